"""mmdet's Faster R-CNN with FPN on the invariant maps of a decomposition, adapted to images without boxes.

The neck wraps mmdet's FPN; RPN and box head are mmdet's, unchanged. An alignment adds the losses of both domains, in
the two stages of VDD.
"""

_base_ = [
    'mmdet::_base_/models/faster-rcnn_r50_fpn.py',
    '../_base_/datasets/weather_shapes.py',
    '../_base_/default_runtime.py',
]

channels = 32
# A network for images of 96 pixels, trained from nothing.
norm_cfg = dict(type='GN', num_groups=4)
detector = _base_.model
detector.backbone = dict(
    type='ResNet',
    depth=18,
    base_channels=16,
    out_indices=(0, 1, 2, 3),
    norm_cfg=dict(norm_cfg, requires_grad=True),
    norm_eval=False,
    zero_init_residual=False,
)
detector.neck = dict(
    type='vlplugins.DecompositionNeck',
    neck=dict(type='FPN', in_channels=[16, 32, 64, 128], out_channels=channels, num_outs=5),
    decomposer=dict(
        type='vlplugins.VectorDecomposition',
        in_channels=channels,
        mid_channels=16,
        kernel_size=3,
        dropout=0.1,
        norm_cfg=norm_cfg,
    ),
)
detector.rpn_head.update(in_channels=channels, feat_channels=channels)
detector.rpn_head.anchor_generator.update(scales=[4])
detector.roi_head.bbox_roi_extractor.update(out_channels=channels)
detector.roi_head.bbox_head.update(in_channels=channels, fc_out_channels=128, num_classes=3)
detector.train_cfg.rpn.sampler.update(num=64)
detector.train_cfg.rpn_proposal.update(nms_pre=200, max_per_img=100)
detector.train_cfg.rcnn.sampler.update(num=64)
detector.test_cfg.rpn.update(nms_pre=200, max_per_img=100)
detector.test_cfg.rcnn.update(max_per_img=20)

classifier = dict(type='ImageDomainClassifier', in_channels=channels, channels=(32, 16), dropout=0.1)
model = dict(
    _delete_=True,
    type='DecomposedNeckDetector',
    detector=detector,
    alignment=dict(
        type='DecompositionAlignment', levels=(0, 1), base_classifier=classifier, specific_classifier=classifier
    ),
    stages=[
        dict(
            name='decompose',
            update=['shared', 'invariant'],
            weights=dict(detection=1.0, domain_base=0.25, domain_specific=0.25),
        ),
        dict(
            name='orthogonalise',
            update=['invariant'],
            weights=dict(detection=1.0, domain_specific=0.25, orthogonality=0.5),
        ),
    ],
)

optim_wrapper = dict(
    constructor='GroupedOptimWrapperConstructor',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-4),
    clip_grad=dict(max_norm=10),
    paramwise_cfg=dict(
        groups=dict(
            invariant=['detector.neck.extractors', 'detector.roi_head', 'alignment.specific_classifier'], shared='rest'
        )
    ),
)
max_epochs = 8  # 40 iterations each
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=40),
    dict(type='CosineAnnealingLR', by_epoch=True, T_max=max_epochs, convert_to_iter_based=True),
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=max_epochs)
val_cfg = dict()
test_cfg = dict()
find_unused_parameters = True
default_hooks = dict(logger=dict(interval=20), checkpoint=dict(interval=max_epochs))
visualizer = dict(type='DecompositionVisualizer')
inferencer = dict(type='DomainAdaptiveDetInferencer')
