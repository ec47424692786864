"""A unified tracker small enough to train in milliseconds, and batches for it."""

from typing import Any, Optional, Sequence

import torch
from mmdet.structures import DetDataSample, TrackDataSample
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData

from vlplugins.registry import MODELS

DIM = 16
NECK = dict(
    type='mmdet.ChannelMapper',
    in_channels=[8, 16, 32],
    out_channels=DIM,
    kernel_size=1,
    num_outs=4,
    act_cfg=None,
    norm_cfg=dict(type='GN', num_groups=2),
)


def detector_cfg() -> dict:
    """A Deformable DETR of one encoder and two decoder layers, 10 queries and one class."""
    attention, feedforward = dict(embed_dims=DIM, num_heads=2), dict(embed_dims=DIM, feedforward_channels=16)
    return dict(
        type='mmdet.DeformableDETR',
        num_queries=10,
        with_box_refine=True,
        backbone=dict(
            type='mmdet.ResNet',
            depth=18,
            base_channels=4,
            out_indices=(1, 2, 3),
            norm_cfg=dict(type='GN', num_groups=2),
            norm_eval=False,
            zero_init_residual=False,
        ),
        neck=dict(NECK),
        encoder=dict(num_layers=1, layer_cfg=dict(self_attn_cfg=attention, ffn_cfg=feedforward)),
        decoder=dict(
            num_layers=2,
            return_intermediate=True,
            post_norm_cfg=None,
            layer_cfg=dict(self_attn_cfg=attention, cross_attn_cfg=attention, ffn_cfg=feedforward),
        ),
        positional_encoding=dict(num_feats=DIM // 2, normalize=True, offset=0.0),
        bbox_head=dict(
            type='mmdet.DeformableDETRHead',
            num_classes=1,
            embed_dims=DIM,
            loss_cls=dict(type='mmdet.FocalLoss', use_sigmoid=True, gamma=2.0, alpha=0.25, loss_weight=2.0),
            loss_bbox=dict(type='mmdet.L1Loss', loss_weight=5.0),
            loss_iou=dict(type='mmdet.GIoULoss', loss_weight=2.0),
        ),
        train_cfg=dict(
            assigner=dict(
                type='mmdet.HungarianAssigner',
                match_costs=[
                    dict(type='mmdet.FocalLossCost', weight=2.0),
                    dict(type='mmdet.BBoxL1Cost', weight=5.0, box_format='xywh'),
                    dict(type='mmdet.IoUCost', iou_mode='giou', weight=2.0),
                ],
            )
        ),
        test_cfg=dict(max_per_img=10),
    )


def tracker_cfg(**changes: Any) -> ConfigDict:
    """Config of the tracker, with dotted keys replaced by ``changes`` (``a__b`` for ``a.b``)."""
    cfg = ConfigDict(
        type='vlplugins.UnifiedTracker',
        detector=detector_cfg(),
        target_encoder=dict(type='vlplugins.RoITargetEncoder', dim=DIM),
        target_decoder=dict(type='vlplugins.TargetDecoder', dim=DIM, heads=2, feedforward=16, dropout=0.0),
        proposal_decoder=dict(type='vlplugins.CornerProposalDecoder', dim=DIM, norm_cfg=dict(type='GN', num_groups=1)),
        target_transformer=dict(
            type='vlplugins.TargetTransformer',
            dim=DIM,
            num_iterations=2,
            pool_size=3,
            heads=2,
            feedforward=16,
            dropout=0.0,
        ),
        search=dict(type='vlplugins.SingleObjectSearch', size=64),
        sot_level=0,
        data_preprocessor=dict(
            type='mmdet.TrackDataPreprocessor', mean=[120.0] * 3, std=[60.0] * 3, pad_size_divisor=32
        ),
    )
    for key, value in changes.items():
        owner, *names = cfg, *key.split('__')
        for name in names[:-1]:
            owner = owner[name]
        owner[names[-1]] = value
    return cfg


def make_tracker(seed: int = 0, **changes: Any) -> torch.nn.Module:
    """The tracker with random weights, in training mode."""
    torch.manual_seed(seed)
    tracker = MODELS.build(tracker_cfg(**changes))
    tracker.init_weights()
    return tracker.train()


def make_frame(boxes: Sequence, size: tuple = (64, 64), ids: Optional[Sequence[int]] = None, **meta: Any) -> Any:
    """Sample of a frame of ``size`` (height, width) with boxes xyxy."""
    frame = DetDataSample(metainfo=dict(dict(img_shape=size, ori_shape=size, scale_factor=(1.0, 1.0)), **meta))
    boxes = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    frame.gt_instances = InstanceData(
        bboxes=boxes,
        labels=torch.zeros(len(boxes), dtype=torch.long),
        instances_ids=torch.arange(len(boxes)) if ids is None else torch.tensor(ids, dtype=torch.long),
    )
    return frame


def make_clip(task: str, *frames: Any) -> Any:
    """Sample of a clip of frames."""
    clip = TrackDataSample(metainfo=dict(task=task))
    clip.video_data_samples = list(frames)
    return clip


def random_images(count: int, size: tuple = (64, 64), seed: int = 0) -> torch.Tensor:
    """Frames ``[count, 3, H, W]`` of noise, as they are read."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 255, (count, 3, *size), dtype=torch.uint8, generator=generator)


def sot_batch(clips: int = 2, length: int = 2) -> dict:
    """Clips of one target each, as the loader gives them."""
    samples = []
    for clip in range(clips):
        frames = [make_frame([[10.0 + 4 * clip + step, 12.0, 34.0, 40.0 + step]]) for step in range(length)]
        samples.append(make_clip('sot', *frames))
    return dict(inputs=[random_images(length, seed=clip) for clip in range(clips)], data_samples=samples)


def mot_batch(sizes: Sequence[tuple] = ((64, 96), (60, 80))) -> dict:
    """Pairs of frames with three objects each, of which two are in both."""
    before = [[4.0, 6.0, 20.0, 44.0], [40.0, 20.0, 60.0, 50.0], [50.0, 4.0, 66.0, 30.0]]
    after = [[44.0, 22.0, 64.0, 52.0], [10.0, 6.0, 26.0, 44.0], [2.0, 2.0, 12.0, 22.0]]
    samples = [
        make_clip('mot', make_frame(before, size, ids=(7, 8, 9)), make_frame(after, size, ids=(8, 7, 4)))
        for size in sizes
    ]
    return dict(inputs=[random_images(2, size, seed) for seed, size in enumerate(sizes)], data_samples=samples)
