"""mmaction2's Recognizer3D on the video tower of CenterCLIP: which colour flashes in the middle of a video?"""

_base_ = '../_base_/default_runtime.py'

data_root = 'data/synthetic/flash_actions/'
synthetic_data = dict(type='SyntheticFlashVideos', root=data_root)

model = dict(
    type='mmaction.Recognizer3D',
    data_preprocessor=dict(
        type='mmaction.ActionDataPreprocessor',
        mean=[122.771, 116.746, 104.094],
        std=[68.501, 66.632, 70.323],
        format_shape='NCTHW',
    ),
    backbone=dict(
        type='CLIPVisionTransformer',
        input_format='NCTHW',
        img_size=32,
        patch_size=8,
        width=64,
        layers=2,
        heads=4,
        out_dim=64,
        num_frames=6,
        token_reducers=[dict(type='TokenClustering', after_block=0, num_segments=3, num_centers=8)],
        pos_init_std=0.1,
    ),
    # The vectors of the three segments in a row.
    cls_head=dict(
        type='mmaction.I3DHead',
        num_classes=12,
        in_channels=3 * 64,
        spatial_type='none',
        loss_cls=dict(type='mmaction.CrossEntropyLoss'),
        average_clips='prob',
    ),
)

pipeline = [
    dict(type='mmaction.DecordInit'),
    dict(type='mmaction.SampleFrames', clip_len=6, frame_interval=1, num_clips=1, test_mode=True),
    dict(type='mmaction.DecordDecode'),
    dict(type='mmaction.Resize', scale=(-1, 32)),
    dict(type='mmaction.FormatShape', input_format='NCTHW'),
    dict(type='mmaction.PackActionInputs'),
]
train_dataloader = dict(
    batch_size=32,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='mmaction.VideoDataset',
        ann_file=data_root + 'middle_color_train.txt',
        data_prefix=dict(video=data_root + 'videos'),
        pipeline=pipeline,
    ),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='mmaction.VideoDataset',
        ann_file=data_root + 'middle_color_test.txt',
        data_prefix=dict(video=data_root + 'videos'),
        test_mode=True,
        pipeline=pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='mmaction.AccMetric', metric_options=dict(top_k_accuracy=dict(topk=(1,))))
test_evaluator = val_evaluator

max_epochs = 10  # 15 iterations each
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=max_epochs)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.05), clip_grad=dict(max_norm=1.0))
param_scheduler = [dict(type='CosineAnnealingLR', by_epoch=True, T_max=max_epochs, convert_to_iter_based=True)]
default_hooks = dict(logger=dict(interval=15), checkpoint=dict(interval=max_epochs))
