import json
import tarfile

import cv2
import numpy as np
import pytest
from mmengine.dataset import pseudo_collate
from torch.utils.data import DataLoader

from tests.helpers.records import refused
from vlplugins.registry import DATASETS

PIPELINE = [dict(type='vlplugins.LoadImage'), dict(type='vlplugins.PackVLInputs')]


@pytest.fixture
def root(tmp_path):
    for name, value in (('a.png', 10), ('b.png', 20), ('c.png', 30)):
        cv2.imwrite(str(tmp_path / name), np.full((4, 6, 3), value, np.uint8))
    cv2.imwrite(str(tmp_path / 'grey.png'), np.full((4, 6), 40, np.uint8))
    with tarfile.open(tmp_path / '0.tar', 'w') as archive:
        for name in ('b.png', 'c.png'):
            archive.add(tmp_path / name, name)
    return tmp_path


def pairs(root, *images, captions=None, **options):
    captions = captions or ['a dog'] * len(images)
    lines = [json.dumps(dict(image=image, caption=caption)) for image, caption in zip(images, captions)]
    (root / 'pairs.jsonl').write_text('\n'.join(lines))
    cfg = dict(type='ImageTextPairDataset', data_root=str(root), ann_file='pairs.jsonl', pipeline=PIPELINE)
    return DATASETS.build({**cfg, **options})


def test_images_of_files_and_of_archives(root):
    dataset = pairs(root, 'a.png', '0.tar/c.png', 'grey.png', '0.tar/b.png')
    values = [int(each['inputs']['image'][0, 0, 0]) for each in dataset]
    assert values == [10, 30, 40, 20] and dataset[2]['inputs']['image'].shape == (3, 4, 6)
    loader = DataLoader(dataset, batch_size=2, num_workers=2, collate_fn=pseudo_collate)
    loaded = [int(image[0, 0, 0]) for batch in loader for image in batch['inputs']['image']]
    assert loaded == values


def test_missing_images_are_named_with_their_line_or_counted(root):
    dataset = pairs(root, 'a.png', 'none.png', '0.tar/a.png')
    with refused('none.png, record line 2 of .*pairs.jsonl'):
        dataset[1]
    with pytest.raises(ValueError, match='a.png'):
        dataset[2]
    dataset = pairs(root, 'a.png', 'none.png', '0.tar/a.png', skip_missing=True)
    assert len(dataset) == 1 and dataset.left_out.reasons == {'without an image': 2}


def test_blank_captions_are_counted_and_a_set_without_a_record_is_refused(root):
    dataset = pairs(root, 'a.png', 'b.png', captions=['a dog', ' \t'])
    assert len(dataset) == 1 and dataset.left_out.reasons == {'with a blank caption': 1}
    with refused('no usable record.*1 with a blank'):
        pairs(root, 'a.png', captions=[' '])


def test_captions_of_coco(root):
    content = dict(images=[dict(id=1, file_name='a.png')], annotations=[dict(id=5, image_id=1, caption='A dog.')])
    (root / 'captions.json').write_text(json.dumps(content))
    dataset = pairs(root, 'a.png', ann_file='captions.json')
    assert dataset.get_data_info(0)['text'] == 'A dog.' and 'phrases' not in dataset.get_data_info(0)


def karpathy(root, counts, **options):
    sentences = [dict(raw=f'{index}') for index in range(max(count for _, count in counts))]
    images = [
        dict(imgid=index, filename=f'{"ab"[index % 2]}.png', split=split, sentences=sentences[:count])
        for index, (split, count) in enumerate(counts)
    ]
    (root / 'dataset.json').write_text(json.dumps(dict(images=images)))
    cfg = dict(type='KarpathyRetrievalDataset', data_root=str(root), ann_file='dataset.json', test_mode=True)
    return DATASETS.build({**cfg, **options})


def test_first_five_captions_of_each_image_of_a_split(root):
    dataset = karpathy(root, [('train', 5), ('test', 7), ('val', 5), ('test', 5)])
    assert [each['text_indices'] for each in dataset] == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]
    assert [each['image_index'] for each in dataset] == [0, 1] and dataset[0]['text'] == ['0', '1', '2', '3', '4']
    trained = karpathy(root, [('train', 6), ('restval', 2)], splits=['train', 'restval'], test_mode=False)
    assert [each['text'] for each in trained] == ['0', '1', '2', '3', '4', '0', '1']
    with refused('4 captions.*expected 5'):
        karpathy(root, [('test', 4)])
    with pytest.raises(ValueError, match="splits \\('tset',\\)"):
        karpathy(root, [('test', 5)], splits=['tset'])


def test_a_damaged_image_is_named_or_replaced_in_training(root):
    (root / 'a.png').write_bytes((root / 'b.png').read_bytes()[:40])
    with refused('a.png, record line 1.*truncated'):
        pairs(root, 'a.png', 'b.png')[0]
    dataset = pairs(root, 'a.png', 'b.png', skip_bad=True)
    assert int(dataset[0]['inputs']['image'][0, 0, 0]) == 20 and dataset.skipped.total >= 1
