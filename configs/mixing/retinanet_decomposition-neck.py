"""mmdet's RetinaNet on the invariant maps of a decomposition, adapted to images without boxes.

A one-stage detector has no regions; what is made orthogonal are the cells of a grid. All losses are in one stage with
an ordinary optimizer, and each level has an extractor of its own; ``faster-rcnn_decomposition-neck.py`` has two stages
and one extractor for all levels.
"""

_base_ = [
    'mmdet::_base_/models/retinanet_r50_fpn.py',
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
    neck=dict(
        type='FPN',
        in_channels=[16, 32, 64, 128],
        out_channels=channels,
        start_level=1,
        add_extra_convs='on_input',
        num_outs=5,
    ),
    decomposer=dict(
        type='vlplugins.VectorDecomposition',
        in_channels=channels,
        mid_channels=16,
        kernel_size=3,
        dropout=0.1,
        norm_cfg=norm_cfg,
    ),
    num_extractors=5,
)
detector.bbox_head.update(in_channels=channels, feat_channels=channels, stacked_convs=1, num_classes=3)
detector.test_cfg.update(max_per_img=20)

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
            name='adapt',
            update=['all'],
            weights=dict(detection=1.0, domain_base=0.25, domain_specific=0.25, orthogonality=0.5),
        )
    ],
)

optim_wrapper = dict(optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-4), clip_grad=dict(max_norm=10))
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
