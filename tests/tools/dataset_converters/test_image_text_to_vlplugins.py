import json

import cv2
import numpy as np
import pytest

from tools.dataset_converters.image_text_to_vlplugins import main
from vlplugins.registry import DATASETS

CAPTIONS = ['A girl  in a blue coat', '', 'a girl in a blue coat', 'a dog', 'a cat', 'собака', 'a long thing', 'a bird']


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / 'images' / '00000'
    folder.mkdir(parents=True)
    for number in (0, 1, 2, 4, 5):
        cv2.imwrite(str(folder / f'{number:09d}.png'), np.full((8, 8, 3), number, np.uint8))
    cv2.imwrite(str(folder / '000000006.png'), np.zeros((8, 40, 3), np.uint8))
    cv2.imwrite(str(folder / '000000007.png'), np.zeros((3, 3, 3), np.uint8))
    return tmp_path / 'images'


def test_lines_of_conceptual_captions(images, tmp_path, capsys):
    source, out = tmp_path / 'cc.tsv', tmp_path / 'train.jsonl'
    source.write_text('\n'.join(f'{caption}\thttp://x/{k}' for k, caption in enumerate(CAPTIONS)))
    arguments = [str(source), str(out), '--format', 'tsv', '--images', str(images), '--min-side', '4']
    main([*arguments, '--chunker', 'rules'])
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [each['image'] for each in lines] == ['00000/000000000.png', '00000/000000004.png']
    assert lines[0] == dict(image='00000/000000000.png', caption='A girl in a blue coat', phrases=[[0, 21]])
    report = capsys.readouterr().out
    for part in (
        '8 pairs read, 2 kept with 2 phrases',
        '1 with a blank',
        '1 with a repeated',
        '1 without a readable',
        '1 in another script',
        '1 of an aspect above 3',
        '1 with a side below 4',
        'written',
    ):
        assert part in report, part
    main([*arguments, '--chunker', 'rules'])
    assert 'is up to date' in capsys.readouterr().out
    dataset = DATASETS.build(dict(type='ImageTextPairDataset', ann_file=str(out), data_prefix=dict(img=str(images))))
    assert len(dataset) == 2 and dataset.get_data_info(0)['phrases'] == [(0, 21)]


def test_training_images_of_karpathy_and_captions_of_coco(images, tmp_path):
    entries = [
        dict(
            filename='00000/000000000.png', split=split, sentences=[dict(raw=f'{split} one'), dict(raw=f'{split} two')]
        )
        for split in ('train', 'restval', 'test')
    ]
    source, out = tmp_path / 'dataset.json', tmp_path / 'out.jsonl'
    source.write_text(json.dumps(dict(images=entries)))
    shared = ['--images', str(images), '--min-side', '4']
    main([str(source), str(out), '--format', 'karpathy', *shared])
    assert [json.loads(line)['caption'] for line in out.read_text().splitlines()] == [
        'train one', 'train two', 'restval one', 'restval two',
    ]  # fmt: skip
    content = dict(images=[dict(id=3, file_name='00000/000000004.png')])
    content['annotations'] = [dict(id=1, image_id=3, caption='A cat.')]
    source.write_text(json.dumps(content))
    main([str(source), str(out), '--format', 'coco', *shared])
    assert json.loads(out.read_text()) == dict(image='00000/000000004.png', caption='A cat.')


def test_bad_input_is_told(images, tmp_path, capsys):
    source = tmp_path / 'cc.tsv'
    source.write_text('only a caption\n')
    for extra, message in (
        (['--images', str(images)], 'line 1: found 1 fields'),
        (['--images', str(tmp_path / 'none')], 'no such folder'),
    ):
        with pytest.raises(SystemExit):
            main([str(source), str(tmp_path / 'o.jsonl'), '--format', 'tsv', *extra])
        assert message in capsys.readouterr().err
