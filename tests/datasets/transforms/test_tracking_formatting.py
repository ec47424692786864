import numpy as np
import pytest
import torch

pytest.importorskip('mmdet')

from mmengine.dataset import Compose, pseudo_collate  # noqa: E402
from mmengine.registry import init_default_scope  # noqa: E402

from tests.helpers.tracking import write_images  # noqa: E402
from vlplugins.datasets.transforms.tracking_formatting import (  # noqa: E402
    PackMOTInputs,
    PackMOTPairInputs,
    PackSOTInputs,
)
from vlplugins.registry import MODELS, TRANSFORMS  # noqa: E402


def clip(ids=((4,), (4,))):
    boxes = [np.arange(4 * len(each), dtype=np.float32).reshape(-1, 4) for each in ids]
    return dict(
        img=[np.full((8, 12, 3), index, np.uint8) for index in range(len(ids))],
        img_shape=[(8, 12)] * len(ids),
        frame_id=list(range(len(ids))),
        gt_bboxes=boxes,
        gt_bboxes_labels=[np.zeros(len(each), np.int64) for each in ids],
        gt_instances_ids=[np.array(each, np.int64) for each in ids],
    )


def test_clips_of_a_single_object():
    masks = [np.zeros((8, 12), bool), np.ones((8, 12), bool)]
    packed = PackSOTInputs()(dict(clip(), padding_mask=masks))
    assert packed['inputs'].shape == (2, 3, 8, 12) and packed['inputs'].dtype == torch.uint8
    sample = packed['data_samples']
    assert len(sample) == 2 and sample.task == sample[1].task == 'sot'
    assert sample[1].padding_mask.all() and not sample[0].padding_mask.any()
    assert sample[1].gt_instances.bboxes.tolist() == [[0, 1, 2, 3]]
    assert sample[1].gt_instances.instances_ids.tolist() == [4] and sample[1].frame_id == 1


def test_the_preprocessor_of_mmdet_takes_the_batch():
    batch = pseudo_collate([PackSOTInputs()(clip()), PackSOTInputs()(clip())])
    preprocessor = MODELS.build(
        dict(type='mmdet.TrackDataPreprocessor', mean=[0.0] * 3, std=[1.0] * 3, bgr_to_rgb=True, pad_size_divisor=32)
    )
    data = preprocessor(batch, training=True)
    assert data['inputs'].shape == (2, 2, 3, 32, 32)
    frame = data['data_samples'][1][0]
    # What boxes are divided by is the size before the batch was filled up.
    assert frame.img_shape == (8, 12) and frame.batch_input_shape == (32, 32)
    assert data['data_samples'][1].task == frame.task == 'sot'


def test_pairs_need_an_object_in_both_frames():
    assert PackMOTPairInputs()(clip(((1, 2), (3,)))) is None
    assert PackMOTPairInputs()(clip(((1, 2), ()))) is None
    packed = PackMOTPairInputs()(clip(((1, 2), (2, 3))))
    assert packed['data_samples'].task == 'mot' and packed['data_samples'][0].gt_instances.bboxes.shape == (2, 4)
    assert PackMOTInputs()(clip(((1,), ()))) is not None


def test_public_detections_are_in_pixels_of_the_input():
    results = dict(
        clip(), scale_factor=[(0.5, 0.25)] * 2, public_bboxes=[np.array([[10.0, 20, 30, 40]]), np.zeros((0, 4))],
        public_scores=[np.array([0.9], np.float32), np.zeros(0, np.float32)],
        public_labels=[np.zeros(1, np.int64), np.zeros(0, np.int64)],
    )  # fmt: skip
    sample = PackMOTInputs()(results)['data_samples']
    assert sample[0].public_instances.bboxes.tolist() == [[5, 5, 15, 10]]
    assert len(sample[1].public_instances) == 0 and sample[1].public_instances.bboxes.shape == (0, 4)


def test_ignored_objects_are_no_targets():
    results = dict(clip(((1, 2), (1, 2))), gt_ignore_flags=[np.array([False, True]), np.array([0, 0])])
    sample = PackMOTInputs()(results)['data_samples']
    assert [len(frame.gt_instances) for frame in sample.video_data_samples] == [1, 2]


def shared(transforms):
    return dict(type='TransformBroadcaster', share_random_params=True, transforms=transforms)


RESIZE = dict(
    type='RandomChoiceResize', resize_type='mmdet.Resize', keep_ratio=True, clip_object_border=False,
    scales=[(size, 999) for size in range(40, 90)],
)  # fmt: skip
CROP = dict(
    type='mmdet.RandomCrop', crop_type='absolute_range', crop_size=(20, 50), allow_negative_crop=True,
    bbox_clip_border=False,
)  # fmt: skip
# As in configs/_base_/datasets/mot17_pair.py.
PAIR = [
    dict(type='LoadFrames'),
    shared([dict(type='mmdet.RandomFlip', prob=0.5)]),
    dict(type='RandomChoice', transforms=[[shared([RESIZE])], [shared([RESIZE, CROP, RESIZE])]]),
    dict(type='PackMOTPairInputs'),
]


def test_both_frames_of_a_pair_are_changed_in_the_same_way(tmp_path):
    """A static object keeps its box."""
    init_default_scope('vlplugins')
    write_images(tmp_path, '%d.jpg', 0, 2)
    box = np.array([[20.0, 10.0, 40.0, 30.0]], dtype=np.float32)
    pipeline = Compose([TRANSFORMS.build(step) for step in PAIR])
    np.random.seed(0)
    places, shapes, flips = set(), set(), set()
    for _ in range(60):
        packed = pipeline(
            dict(
                img_path=[str(tmp_path / '0.jpg'), str(tmp_path / '1.jpg')], frame_id=[0, 1],
                gt_bboxes=[box.copy(), box.copy()], gt_bboxes_labels=[np.zeros(1, np.int64)] * 2,
                gt_instances_ids=[np.ones(1, np.int64)] * 2,
            )
        )  # fmt: skip
        if packed is None:
            continue
        first, second = packed['data_samples'].video_data_samples
        torch.testing.assert_close(first.gt_instances.bboxes, second.gt_instances.bboxes, rtol=0, atol=0)
        assert first.img_shape == second.img_shape == tuple(packed['inputs'].shape[-2:])
        places.add(tuple(first.gt_instances.bboxes[0].tolist()))
        shapes.add(first.img_shape)
        flips.add(first.flip)
    # And not because nothing is drawn at all.
    assert len(places) > 20 and len(shapes) > 20 and flips == {True, False}
