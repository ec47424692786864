"""VDD on striped shapes that must be found in dusk and night rain; on a CPU, from random weights."""

_base_ = ['../_base_/models/vdd_faster-rcnn_r101-caffe-c4.py', '../_base_/default_runtime.py']

data_root = 'data/synthetic/weather_voc/'
synthetic_data = dict(type='SyntheticWeatherVOC', root=data_root)
classes = ('bus', 'car', 'truck')
max_epochs = 5  # 60 iterations each, of 4 + 4 images

channels = 16
box_head = dict(roi_feat_size=4, in_channels=channels, num_classes=len(classes), context_channels=(16, 16))
head = dict(
    bbox_head=dict(
        type='vlplugins.ContextBBoxHead',
        with_avg_pool=True,
        bbox_coder=dict(type='DeltaXYWHBBoxCoder', target_stds=[0.1, 0.1, 0.2, 0.2]),
        loss_cls=dict(type='CrossEntropyLoss', use_sigmoid=False),
        loss_bbox=dict(type='SmoothL1Loss', beta=1.0),
        **box_head,
    ),
    _delete_=True,
)
image_classifier = dict(in_channels=channels, channels=(32, 16), dropout=0.1)

model = dict(
    data_preprocessor=dict(data_preprocessor=dict(mean=[120.0] * 3, std=[60.0] * 3)),
    backbone=dict(
        depth=18,
        base_channels=8,
        num_stages=2,
        strides=(1, 2),
        dilations=(1, 1),
        out_indices=(0, 1),
        frozen_stages=-1,
        # Frozen random weights could not learn, and statistics of the source are wrong for the target in the test.
        norm_cfg=dict(_delete_=True, type='GN', num_groups=4, requires_grad=True),
        style='pytorch',
        zero_init_residual=False,
        init_cfg=None,
    ),
    # Its batch normalisation gives the invariant parts of both domains the same moments in training. Without it nothing
    # holds that of the target, which has no boxes, and the second step drives it where no proposal is made.
    decomposer=dict(in_channels=channels, mid_channels=16, kernel_size=3, dropout=0.1),
    pixel_classifier=dict(in_channels=8, channels=(16, 16), init_std=0.3),
    base_classifier=image_classifier,
    specific_classifier=image_classifier,
    # A backbone that learns from random weights at a high rate must not outrun the classifiers.
    reversal=dict(coefficient=0.1),
    target_rois=32,
    rpn_head=dict(
        in_channels=channels, feat_channels=32, anchor_generator=dict(scales=[3.5], ratios=[1.0], strides=[8])
    ),
    roi_head=dict(
        bbox_roi_extractor=dict(
            out_channels=channels, featmap_strides=[8], roi_layer=dict(output_size=4, sampling_ratio=1)
        ),
        invariant=head,
        base=head,
    ),
    train_cfg=dict(
        rpn=dict(sampler=dict(num=64)),
        rpn_proposal=dict(nms_pre=100, max_per_img=32),
        rcnn=dict(sampler=dict(num=32)),
    ),
    test_cfg=dict(rpn=dict(nms_pre=100, max_per_img=32), rcnn=dict(score_thr=0.01, max_per_img=20)),
)

fields = ['source', 'target']
load = [dict(type='LoadImageFromFile'), dict(type='mmdet.Resize', scale=(10000, 64), keep_ratio=True)]
label = [dict(type='LoadImageFromFile'), dict(type='mmdet.LoadAnnotations', with_bbox=True), load[1]]
flip = dict(type='mmdet.RandomFlip', prob=0.5)
pack = dict(type='mmdet.PackDetInputs')
source_pipeline = [*label, flip, dict(type='mmdet.MultiBranch', branch_field=fields, source=pack)]
target_pipeline = [*load, flip, dict(type='mmdet.MultiBranch', branch_field=fields, target=pack)]
test_pipeline = [
    *label,
    dict(
        type='mmdet.PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor', 'subset'),
    ),
]


domain = dict(
    type='WeatherVOCDataset', serialize_data=False, metainfo=dict(classes=classes), ann_file='ImageSets/Main/train.txt'
)
sunny = dict(
    domain,
    data_root=data_root + 'daytime_sunny',
    subset='daytime_sunny',
    data_prefix=dict(sub_data_root=''),
    pipeline=source_pipeline,
    filter_cfg=dict(filter_empty_gt=True, min_size=32),
)
dusk = dict(domain, data_root=data_root + 'dusk_rainy', subset='dusk_rainy', data_prefix=dict(sub_data_root=''))
night = dict(domain, data_root=data_root + 'night_rainy', subset='night_rainy', data_prefix=dict(sub_data_root=''))
unlabelled = dict(with_labels=False, pipeline=target_pipeline)
night_target, dusk_target = dict(night, **unlabelled), dict(dusk, **unlabelled)
tested = dict(ann_file='ImageSets/Main/test.txt', test_mode=True, pipeline=test_pipeline)

train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    batch_sampler=None,
    collate_fn=dict(type='pseudo_collate'),
    sampler=dict(type='SourceTargetSampler', batch_size=8, source_size=4, target_size=4),
    dataset=dict(type='SourceTargetDataset', source=sunny, targets=[night_target]),
)
val_dataloader = dict(
    batch_size=40,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='ConcatDataset', datasets=[dict(night, **tested), dict(dusk, **tested), dict(sunny, **tested)]),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='LongTailVOCMetric', subset_key='subset')
test_evaluator = val_evaluator

optim_wrapper = dict(
    constructor='GroupedOptimWrapperConstructor',
    optimizer=dict(type='SGD', lr=0.04, momentum=0.9, weight_decay=1e-4),
    clip_grad=dict(max_norm=10),
    paramwise_cfg=dict(bias_decay_mult=0.0, groups={{_base_.groups}}),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=30),
    dict(type='MultiStepLR', by_epoch=True, milestones=[4], gamma=0.1),
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=max_epochs)
val_cfg = dict()
test_cfg = dict()
find_unused_parameters = True
default_hooks = dict(logger=dict(interval=20), checkpoint=dict(interval=max_epochs))
visualizer = dict(type='DecompositionVisualizer')
inferencer = dict(type='DomainAdaptiveDetInferencer')
