"""With the quirks of the released code: proposals as in training at the test, no flips, its recall, RGB less BGR means.

For weights of the release, which ``tools/model_converters/vdd_weights.py`` converts: its anchors to the pixel, its
coder, its max-pooling.
"""

_base_ = 'vdd_r101_20e_sunny2nightrainy.py'

legacy_coder = dict(type='LegacyDeltaXYWHBBoxCoder')
head = dict(bbox_head=dict(bbox_coder=legacy_coder))
model = dict(
    data_preprocessor=dict(
        data_preprocessor=dict(mean=[102.9801, 115.9465, 122.7717], bgr_to_rgb=True),
    ),
    legacy_maxpool=True,
    rpn_head=dict(
        anchor_generator=dict(
            _delete_=True,
            type='vlplugins.ExplicitAnchorGenerator',
            strides=[16],
            base_anchors=[
                [-84, -40, 99, 55],
                [-176, -88, 191, 103],
                [-360, -184, 375, 199],
                [-56, -56, 71, 71],
                [-120, -120, 135, 135],
                [-248, -248, 263, 263],
                [-36, -80, 51, 95],
                [-80, -168, 95, 183],
                [-168, -344, 183, 359],
            ],
        ),
        bbox_coder=legacy_coder,
    ),
    roi_head=dict(invariant=head, base=head),
    test_cfg=dict(rpn=dict(nms_pre=12000, max_per_img=2000)),
)
fields = ['source', 'target']
pack = dict(type='mmdet.PackDetInputs')
resize = dict(type='mmdet.Resize', scale=(10000, 600), keep_ratio=True)
source_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmdet.LoadAnnotations', with_bbox=True),
    resize,
    dict(type='mmdet.MultiBranch', branch_field=fields, source=pack),
]
target_pipeline = [
    dict(type='LoadImageFromFile'),
    resize,
    dict(type='mmdet.MultiBranch', branch_field=fields, target=pack),
]
train_dataloader = dict(
    dataset=dict(
        source=dict(pipeline=source_pipeline),
        targets=[
            dict(
                type='WeatherVOCDataset',
                data_root='data/weather/night_rainy/VOC2007',
                ann_file='ImageSets/Main/train.txt',
                data_prefix=dict(sub_data_root=''),
                subset='night_rainy',
                with_labels=False,
                pipeline=target_pipeline,
            )
        ],
    )
)
val_evaluator = dict(legacy_recall=True)
test_evaluator = val_evaluator
