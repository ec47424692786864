import json

import cv2
import numpy as np
import pytest

from vlplugins.datasets.synthetic.coco_shapes import SyntheticCocoShapes


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return SyntheticCocoShapes(str(tmp_path_factory.mktemp('shapes') / 'set'), num_train=120, num_val=20).prepare()


def content(root, split='train'):
    return json.loads((root / f'annotations/instances_{split}2017.json').read_text())


def objects(root):
    """Each annotation with its image, uint8 BGR."""
    data = content(root)
    images = {image['id']: cv2.imread(str(root / 'train2017' / image['file_name'])) for image in data['images']}
    return [(annotation, images[annotation['image_id']]) for annotation in data['annotations']]


def test_pycocotools_and_mmdet_read_it(root):
    from mmdet.datasets import CocoDataset
    from pycocotools.coco import COCO

    coco = COCO(str(root / 'annotations/instances_val2017.json'))
    assert len(coco.getImgIds()) == 20 and sorted(coco.getCatIds()) == [1, 2, 3]
    dataset = CocoDataset(
        data_root=str(root),
        ann_file='annotations/instances_val2017.json',
        data_prefix=dict(img='val2017/'),
        metainfo=dict(classes=SyntheticCocoShapes.CLASSES),
        test_mode=True,
        pipeline=[],
    )
    assert len(dataset) == 20
    record = dataset.get_data_info(0)
    assert cv2.imread(record['img_path']).shape == (96, 96, 3) and record['instances']


def test_outline_covers_the_painted_pixels(root):
    """The shape found by its colour (the background is grey) has the box and the outline that are written down."""
    for annotation, image in objects(root)[::7]:
        saturation = image.astype(int).max(axis=2) - image.astype(int).min(axis=2)
        left, top, side, height = annotation['bbox']
        assert side == height
        outline = np.array(annotation['segmentation'][0]).reshape(-1, 2)
        np.testing.assert_allclose(outline.min(axis=0), [left, top], atol=0.01)
        np.testing.assert_allclose(outline.max(axis=0), [left + side, top + side], atol=0.01)
        mask = cv2.fillPoly(np.zeros(image.shape[:2], np.uint8), [np.round(outline).astype(np.int32)], 1)
        assert abs(cv2.contourArea(outline.astype(np.float32)) - annotation['area']) < 1
        colour = np.median(image[cv2.erode(mask, np.ones((5, 5))) > 0], axis=0)
        inside = np.abs(image - colour).max(axis=2) < 40
        assert inside[cv2.erode(mask, np.ones((5, 5))) > 0].mean() > 0.99
        ring = cv2.dilate(mask, np.ones((3, 3))) - mask
        # Outside the outline is noise, or at most a neighbour of the same colour.
        assert inside[ring > 0].mean() < 0.35 or saturation[ring > 0].mean() > 60


def test_boxes_lie_inside_and_apart(root):
    by_image = {}
    for annotation, _ in objects(root):
        by_image.setdefault(annotation['image_id'], []).append(annotation['bbox'])
    assert len(by_image) == 120 and {len(boxes) for boxes in by_image.values()} == {1, 2, 3}
    for boxes in by_image.values():
        for index, (x, y, w, h) in enumerate(boxes):
            assert x >= 0 and y >= 0 and x + w < 96 and y + h < 96
            for a, b, c, d in boxes[:index]:
                assert min(x + w, a + c) <= max(x, a) or min(y + h, b + d) <= max(y, b)


def test_colour_and_size_do_not_tell_the_class(root):
    """Nearest class mean over colour, place and size, fitted on half, is at chance (1/3) on the other half."""
    features, labels = [], []
    for annotation, image in objects(root):
        left, top, side, _ = annotation['bbox']
        centre = image[top + side // 2, left + side // 2]
        features.append([*centre, left, top, side])
        labels.append(annotation['category_id'])
    features, labels = np.array(features, float), np.array(labels)
    features = (features - features.mean(0)) / features.std(0)
    half = len(labels) // 2
    means = np.stack([features[:half][labels[:half] == category].mean(0) for category in (1, 2, 3)])
    guess = np.linalg.norm(features[half:, None] - means, axis=2).argmin(1) + 1
    # 120 draws at 1/3 have a deviation of 0.043: three of them.
    assert abs((guess == labels[half:]).mean() - 1 / 3) < 0.13


def test_shape_tells_the_class(root):
    """The share of the box that the shape fills, by colour: circle pi/4, square 1, triangle 1/2."""
    right = []
    for annotation, image in objects(root):
        left, top, side, _ = annotation['bbox']
        crop = image[top : top + side, left : left + side].astype(int)
        share = (np.abs(crop - crop[side // 2, side // 2]).max(axis=2) < 40).mean()
        right.append(1 + np.abs(np.array([np.pi / 4, 1, 0.5]) - share).argmin() == annotation['category_id'])
    assert np.mean(right) > 0.97


def test_seed_decides_and_splits_differ(tmp_path, root):
    same = SyntheticCocoShapes(str(tmp_path / 'same'), num_train=120, num_val=20).prepare()
    assert content(same) == content(root)
    other = SyntheticCocoShapes(str(tmp_path / 'other'), num_train=5, num_val=5, seed=1).prepare()
    assert content(other)['annotations'][0]['bbox'] != content(root)['annotations'][0]['bbox']
    assert content(root)['annotations'][0]['bbox'] != content(root, 'val')['annotations'][0]['bbox']
    ids = [{image['id'] for image in content(root, split)['images']} for split in ('train', 'val')]
    assert not ids[0] & ids[1]


@pytest.mark.parametrize('bad', [dict(num_train=0), dict(max_objects=0), dict(image_size=(20, 96))])
def test_bad_arguments_are_told(tmp_path, bad):
    with pytest.raises(ValueError, match='expected|at least'):
        SyntheticCocoShapes(str(tmp_path / 'x'), **bad)
