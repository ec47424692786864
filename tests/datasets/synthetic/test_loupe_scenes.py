import json

import cv2
import numpy as np
import pytest

from vlplugins.datasets.synthetic import SyntheticLoupeScenes
from vlplugins.registry import DATASETS


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return SyntheticLoupeScenes(str(tmp_path_factory.mktemp('data') / 'scenes'), num_train=40, num_test=20).prepare()


def refs(root, split, **options):
    cfg = dict(type='RefCocoGroundingDataset', data_root=str(root), data_prefix=dict(img='images'), split=split)
    cfg.update(ann_file='refcoco/refs(unc).p', instances_file='refcoco/instances.json', test_mode=True)
    return DATASETS.build({**cfg, **options})


def test_training_file_names_kinds_and_has_no_box(root):
    lines = [json.loads(line) for line in (root / 'pairs/train.jsonl').read_text().splitlines()]
    assert len(lines) == 40 and all(set(each) == {'image', 'caption', 'phrases'} for each in lines)
    names = [name for name in SyntheticLoupeScenes.CLASSES]
    for line in lines:
        texts = [line['caption'][start:end] for start, end in line['phrases']]
        assert 2 <= len(texts) <= 3 and len(set(texts)) == len(texts)
        assert all(text.split(' ', 1)[1] in names for text in texts)


def test_objects_have_the_colour_of_their_kind_and_do_not_overlap(root):
    content = json.loads((root / 'refcoco/instances.json').read_text())
    names = {each['id']: each['name'] for each in content['categories']}
    covered = {}
    for each in content['annotations']:
        x, y, width, height = each['bbox']
        mask = covered.setdefault(each['image_id'], np.zeros((96, 96), int))
        mask[y : y + height, x : x + width] += 1
        image = cv2.imread(str(root / f'images/{each["image_id"]:012d}.png'))[y : y + height, x : x + width]
        blue, green, red = image.astype(float).mean(axis=(0, 1))
        colour, texture, _ = names[each['category_id']].split()
        assert (red > 1.5 * max(blue, green)) == (colour == 'red')
        assert (image.mean(axis=(1, 2)).std() > 15) == (texture == 'striped')
        assert width % 16 == 0 and height % 16 == 0 and 32 <= min(width, height) <= max(width, height) <= 64
    assert max(mask.max() for mask in covered.values()) == 1


def test_expressions_of_all_splits_name_one_object_of_their_image(root):
    seen = set()
    for split in ('val', 'testA', 'testB'):
        dataset = refs(root, split)
        kinds = {}
        for each in dataset:
            kinds.setdefault((each['img_id'], each['text'].replace('the ', '')), set()).add(each['gt_box'])
        assert all(len(boxes) == 1 for boxes in kinds.values())
        seen |= {image for image, _ in kinds}
    assert seen == set(range(1, 21))


def test_no_two_test_images_have_the_same_kinds(root):
    content = json.loads((root / 'coco/annotations/instances_val2017.json').read_text())
    kinds = {}
    for each in content['annotations']:
        kinds.setdefault(each['image_id'], []).append(each['category_id'])
    assert len({tuple(sorted(each)) for each in kinds.values()}) == 20


def test_all_words_have_a_piece(root):
    pieces = set((root / 'vocab.txt').read_text().split())
    content = json.loads((root / 'karpathy/dataset_scenes.json').read_text())
    assert {word for image in content['images'] for each in image['sentences'] for word in each['tokens']} <= pieces


def test_detection_sets_of_mmdet_read_it(root):
    pytest.importorskip('mmdet')
    meta = dict(classes=SyntheticLoupeScenes.CLASSES)
    coco = DATASETS.build(
        dict(
            type='mmdet.CocoDataset',
            data_root=str(root),
            ann_file='coco/annotations/instances_val2017.json',
            data_prefix=dict(img='images/'),
            metainfo=meta,
            test_mode=True,
        )
    )
    voc = DATASETS.build(
        dict(
            type='mmdet.VOCDataset',
            data_root=str(root / 'VOCdevkit'),
            ann_file='VOC2007/ImageSets/Main/test.txt',
            data_prefix=dict(sub_data_root='VOC2007/'),
            metainfo=meta,
            test_mode=True,
        )
    )
    assert len(coco) == len(voc) == 20
    for one, other in zip(coco, voc):
        assert [each['bbox_label'] for each in one['instances']] == [each['bbox_label'] for each in other['instances']]
        # XML counts from 1 with the last pixel; mmdet takes 1 from all corners.
        for first, second in zip(one['instances'], other['instances']):
            assert np.abs(np.array(first['bbox']) - np.array(second['bbox'])).max() <= 1


def test_it_is_repeated_by_its_seed(tmp_path, root):
    other = SyntheticLoupeScenes(str(tmp_path / 'other'), num_train=40, num_test=20).prepare()
    for name in ('pairs/00000.tar', 'pairs/train.jsonl', 'refcoco/refs(unc).p', 'images/000000000001.png'):
        assert (other / name).read_bytes() == (root / name).read_bytes()
    with pytest.raises(ValueError, match='num_test 300'):
        SyntheticLoupeScenes(str(tmp_path / 'x'), num_test=300)
