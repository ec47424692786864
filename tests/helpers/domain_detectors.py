"""A domain-adaptive detector small enough to train in milliseconds, and batches for it."""

import copy
from typing import Any, Optional, Tuple

import torch
from mmdet.structures import DetDataSample
from mmengine.config import ConfigDict
from mmengine.optim import OptimWrapperDict, build_optim_wrapper
from mmengine.structures import InstanceData

from vlplugins.registry import MODELS

STAGES = [
    dict(
        name='decompose',
        update=['shared', 'invariant'],
        branches=['invariant', 'base'],
        weights=dict(rpn=1.0, roi=0.5, domain_base=0.25, domain_specific=0.25, domain_pixel=0.25),
    ),
    dict(
        name='orthogonalise',
        update=['invariant'],
        branches=['invariant'],
        no_grad=['backbone', 'pixel_classifier'],
        weights=dict(rpn=1.0, roi=1.0, domain_specific=0.25, orthogonality=0.5),
    ),
]
INVARIANT = ['decomposer', 'specific_classifier', 'roi_head.invariant']


def head(channels: int = 16, contexts: Tuple[int, ...] = (6, 5)) -> dict:
    """Config of a box head of 3 classes."""
    return dict(
        bbox_head=dict(
            type='vlplugins.ContextBBoxHead',
            context_channels=contexts,
            with_avg_pool=True,
            roi_feat_size=7,
            in_channels=channels,
            num_classes=3,
        )
    )


def detector_cfg(**changes: Any) -> dict:
    """Config of the detector, with dotted keys replaced by ``changes`` (``a__b`` for ``a.b``)."""
    cfg = ConfigDict(
        _scope_='mmdet',
        type='vlplugins.DomainAdaptiveDetector',
        data_preprocessor=dict(
            type='MultiBranchDataPreprocessor',
            data_preprocessor=dict(
                type='DetDataPreprocessor', mean=[120.0] * 3, std=[60.0] * 3, bgr_to_rgb=False, pad_size_divisor=16
            ),
        ),
        backbone=dict(
            type='ResNet',
            depth=18,
            base_channels=4,
            num_stages=3,
            strides=(1, 2, 2),
            dilations=(1, 1, 1),
            out_indices=(0, 2),
            norm_cfg=dict(type='BN', requires_grad=False),
            norm_eval=True,
            # Normalisation is frozen: what begins at 0 would stay there.
            zero_init_residual=False,
        ),
        decomposer=dict(type='vlplugins.VectorDecomposition', in_channels=16, mid_channels=8, kernel_size=3, dropout=0),
        pixel_classifier=dict(type='vlplugins.PixelDomainClassifier', in_channels=4, channels=(4, 5)),
        base_classifier=dict(type='vlplugins.ImageDomainClassifier', in_channels=16, channels=(8, 6), dropout=0),
        specific_classifier=dict(type='vlplugins.ImageDomainClassifier', in_channels=16, channels=(8, 6), dropout=0),
        contexts=dict(invariant=['specific', 'pixel'], base=['base', 'pixel']),
        image_domain_loss=dict(type='vlplugins.DomainFocalLoss', gamma=5.0),
        stages=copy.deepcopy(STAGES),
        target_rois=8,
        rpn_head=dict(
            type='RPNHead',
            in_channels=16,
            feat_channels=8,
            anchor_generator=dict(type='AnchorGenerator', scales=[1, 2], ratios=[1.0], strides=[16]),
            bbox_coder=dict(type='DeltaXYWHBBoxCoder'),
            loss_cls=dict(type='CrossEntropyLoss', use_sigmoid=False),
            loss_bbox=dict(type='SmoothL1Loss', beta=1 / 9),
        ),
        roi_head=dict(
            type='vlplugins.DecomposedRoIHead',
            bbox_roi_extractor=dict(
                type='SingleRoIExtractor',
                roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=2, aligned=False),
                out_channels=16,
                featmap_strides=[16],
            ),
            invariant=head(),
            base=head(),
        ),
        train_cfg=dict(
            rpn=dict(
                assigner=dict(type='MaxIoUAssigner', pos_iou_thr=0.7, neg_iou_thr=0.3, min_pos_iou=1e-5),
                sampler=dict(type='RandomSampler', num=16, pos_fraction=0.5, neg_pos_ub=-1, add_gt_as_proposals=False),
                allowed_border=0,
                pos_weight=-1,
            ),
            rpn_proposal=dict(nms_pre=64, max_per_img=32, nms=dict(type='nms', iou_threshold=0.7), min_bbox_size=0),
            rcnn=dict(
                assigner=dict(type='MaxIoUAssigner', pos_iou_thr=0.5, neg_iou_thr=0.5, min_pos_iou=0.5),
                sampler=dict(type='RandomSampler', num=16, pos_fraction=0.25, neg_pos_ub=-1, add_gt_as_proposals=True),
                pos_weight=-1,
            ),
        ),
        test_cfg=dict(
            rpn=dict(nms_pre=64, max_per_img=16, nms=dict(type='nms', iou_threshold=0.7), min_bbox_size=0),
            rcnn=dict(score_thr=0.0, nms=dict(type='nms', iou_threshold=0.3), max_per_img=100),
        ),
    )
    for key, value in changes.items():
        owner, *names = cfg, *key.split('__')
        for name in names[:-1]:
            owner = owner[name]
        owner[names[-1]] = value
    return cfg


def make_detector(seed: int = 0, **changes: Any) -> torch.nn.Module:
    """The detector with random weights, in training mode."""
    torch.manual_seed(seed)
    detector = MODELS.build(detector_cfg(**changes))
    detector.init_weights()
    return detector.train()


def make_wrappers(detector: torch.nn.Module, lr: float = 0.01, **optimizer: Any) -> OptimWrapperDict:
    """Wrappers of the groups ``shared`` and ``invariant``."""
    cfg = dict(
        constructor='vlplugins.GroupedOptimWrapperConstructor',
        optimizer=dict(dict(type='SGD', lr=lr, momentum=0.9), **optimizer),
        paramwise_cfg=dict(groups=dict(invariant=INVARIANT, shared='rest')),
    )
    return build_optim_wrapper(detector, cfg)


def make_sample(size: Tuple[int, int], boxes: Optional[list] = None) -> DetDataSample:
    """Sample of an image of ``size``, with boxes of the classes 0, 1, ... or without annotations."""
    sample = DetDataSample(metainfo=dict(img_shape=size, ori_shape=size, scale_factor=(1.0, 1.0)))
    sample.gt_instances = InstanceData()
    if boxes is not None:
        sample.gt_instances.bboxes = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
        sample.gt_instances.labels = torch.arange(len(boxes)) % 3
        sample.ignored_instances = InstanceData(bboxes=torch.zeros(0, 4), labels=torch.zeros(0, dtype=torch.long))
    return sample


def make_batch(sources: int = 1, targets: int = 1, seed: int = 0) -> dict:
    """A batch as the loader gives it: sources of 64x96 pixels, targets of 48x80."""
    generator = torch.Generator().manual_seed(seed)

    def images(count: int, size: Tuple[int, int]) -> list:
        return [torch.randint(0, 255, (3, *size), dtype=torch.uint8, generator=generator) for _ in range(count)]

    boxes = [[4.0, 6.0, 30.0, 34.0], [40.0, 20.0, 70.0, 44.0]]
    return dict(
        inputs=dict(
            source=images(sources, (64, 96)) + [None] * targets, target=[None] * sources + images(targets, (48, 80))
        ),
        data_samples=dict(
            source=[make_sample((64, 96), boxes) for _ in range(sources)] + [None] * targets,
            target=[None] * sources + [make_sample((48, 80)) for _ in range(targets)],
        ),
    )
