"""VDD over Faster R-CNN with ResNet-101 (caffe), as released; configs set ``num_classes`` of both heads."""

norm_cfg = dict(type='BN', requires_grad=False)
pretrained = 'open-mmlab://detectron2/resnet101_caffe'
# The last stage of the backbone, a copy for each branch: regions of 7x7 become 4x4.
shared_head = dict(
    type='ResLayer',
    depth=101,
    stage=3,
    stride=2,
    style='caffe',
    norm_cfg=norm_cfg,
    norm_eval=True,
    init_cfg=dict(type='Pretrained', checkpoint=pretrained),
)
bbox_head = dict(
    type='vlplugins.ContextBBoxHead',
    context_channels=(128, 128),
    with_avg_pool=True,
    roi_feat_size=4,
    in_channels=2048,
    num_classes=7,
    bbox_coder=dict(type='DeltaXYWHBBoxCoder', target_stds=[0.1, 0.1, 0.2, 0.2]),
    loss_cls=dict(type='CrossEntropyLoss', use_sigmoid=False),
    loss_bbox=dict(type='SmoothL1Loss', beta=1.0),
)
image_classifier = dict(type='vlplugins.ImageDomainClassifier', in_channels=1024)

# The algorithm: two forward passes, backward passes and updates in each iteration. Weights are those of the release,
# 0.5 for each domain times 0.5 included.
decompose = dict(
    name='decompose',
    update=['shared', 'invariant'],
    branches=['invariant', 'base'],
    weights=dict(rpn=1.0, roi=0.5, domain_base=0.25, domain_specific=0.25, domain_pixel=0.25),
)
orthogonalise = dict(
    name='orthogonalise',
    update=['invariant'],
    branches=['invariant'],
    no_grad=['backbone', 'pixel_classifier'],
    weights=dict(rpn=1.0, roi=1.0, domain_specific=0.25, orthogonality=0.5),
)
# For ablations: a second step without its orthogonality; and what makes a plain detector of the same parts.
detect = dict(orthogonalise, name='detect', weights=dict(rpn=1.0, roi=1.0, domain_specific=0.25))
source_only = dict(
    decomposer=dict(identity=True),
    pixel_classifier=None,
    base_classifier=None,
    specific_classifier=None,
    contexts=None,
    stages=[dict(name='detect', update=['all'], branches=['base'], weights=dict(rpn=1.0, roi=1.0))],
    roi_head=dict(invariant=None, base=dict(bbox_head=dict(context_channels=())), branch_weights=None),
)

model = dict(
    _scope_='mmdet',
    type='vlplugins.DomainAdaptiveDetector',
    data_preprocessor=dict(
        type='MultiBranchDataPreprocessor',
        data_preprocessor=dict(
            type='DetDataPreprocessor',
            mean=[103.530, 116.280, 123.675],
            std=[1.0, 1.0, 1.0],
            bgr_to_rgb=False,
            pad_size_divisor=16,
        ),
    ),
    backbone=dict(
        type='ResNet',
        depth=101,
        num_stages=3,
        strides=(1, 2, 2),
        dilations=(1, 1, 1),
        out_indices=(0, 2),
        # The stem alone; the first stage is trained.
        frozen_stages=0,
        norm_cfg=norm_cfg,
        norm_eval=True,
        style='caffe',
        init_cfg=dict(type='Pretrained', checkpoint=pretrained),
    ),
    decomposer=dict(type='vlplugins.VectorDecomposition', in_channels=1024, mid_channels=512, kernel_size=5),
    pixel_classifier=dict(type='vlplugins.PixelDomainClassifier', in_channels=256),
    base_classifier=image_classifier,
    specific_classifier=image_classifier,
    contexts=dict(invariant=['specific', 'pixel'], base=['base', 'pixel']),
    reversal=dict(type='vlplugins.GradientReversal', coefficient=1.0),
    reverse_specific=True,
    rpn_feature='invariant',
    image_domain_loss=dict(type='vlplugins.DomainFocalLoss', gamma=5.0),
    pixel_domain_loss=dict(type='vlplugins.DomainLeastSquaresLoss'),
    orthogonality_loss=dict(type='vlplugins.OrthogonalityLoss'),
    target_rois=128,
    stages=[decompose, orthogonalise],
    rpn_head=dict(
        type='RPNHead',
        in_channels=1024,
        feat_channels=512,
        anchor_generator=dict(type='AnchorGenerator', scales=[8, 16, 32], ratios=[0.5, 1.0, 2.0], strides=[16]),
        bbox_coder=dict(type='DeltaXYWHBBoxCoder', target_stds=[1.0, 1.0, 1.0, 1.0]),
        loss_cls=dict(type='CrossEntropyLoss', use_sigmoid=False),
        loss_bbox=dict(type='SmoothL1Loss', beta=1 / 9),
    ),
    roi_head=dict(
        type='vlplugins.DecomposedRoIHead',
        bbox_roi_extractor=dict(
            type='SingleRoIExtractor',
            roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=0, aligned=False),
            out_channels=1024,
            featmap_strides=[16],
        ),
        invariant=dict(shared_head=shared_head, bbox_head=bbox_head),
        base=dict(shared_head=shared_head, bbox_head=bbox_head),
        branch_weights=dict(base=1.0, invariant=0.0),
    ),
    train_cfg=dict(
        rpn=dict(
            # The best anchor of every box is positive, however little it overlaps.
            assigner=dict(
                type='MaxIoUAssigner',
                pos_iou_thr=0.7,
                neg_iou_thr=0.3,
                min_pos_iou=1e-5,
                match_low_quality=True,
                ignore_iof_thr=-1,
            ),
            sampler=dict(type='RandomSampler', num=256, pos_fraction=0.5, neg_pos_ub=-1, add_gt_as_proposals=False),
            allowed_border=0,
            pos_weight=-1,
            debug=False,
        ),
        rpn_proposal=dict(nms_pre=12000, max_per_img=2000, nms=dict(type='nms', iou_threshold=0.7), min_bbox_size=0),
        rcnn=dict(
            assigner=dict(
                type='MaxIoUAssigner',
                pos_iou_thr=0.5,
                neg_iou_thr=0.5,
                min_pos_iou=0.5,
                match_low_quality=False,
                ignore_iof_thr=-1,
            ),
            sampler=dict(type='RandomSampler', num=128, pos_fraction=0.25, neg_pos_ub=-1, add_gt_as_proposals=True),
            pos_weight=-1,
            debug=False,
        ),
    ),
    test_cfg=dict(
        rpn=dict(nms_pre=6000, max_per_img=300, nms=dict(type='nms', iou_threshold=0.7), min_bbox_size=0),
        rcnn=dict(score_thr=0.0, nms=dict(type='nms', iou_threshold=0.3), max_per_img=100),
    ),
)

# Which parameters a stage may update: two groups, each with its own optimizer state.
groups = dict(invariant=['decomposer', 'specific_classifier', 'roi_head.invariant'], shared='rest')
