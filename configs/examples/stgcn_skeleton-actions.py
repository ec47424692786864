"""mmaction2's RecognizerGCN on skeletons of four actions, in the scope of vlplugins: its parts are ``mmaction.X``."""

_base_ = '../_base_/default_runtime.py'

data_root = 'data/synthetic/skeleton_actions/'
synthetic_data = dict(type='SyntheticSkeletonActions', root=data_root, num_classes=4)

model = dict(
    type='mmaction.RecognizerGCN',
    data_preprocessor=dict(type='mmaction.ActionDataPreprocessor'),
    # ST-GCN with 4 stages in place of 10, and an eighth of the channels.
    backbone=dict(
        type='mmaction.STGCN',
        graph_cfg=dict(layout='nturgb+d', mode='stgcn_spatial'),
        base_channels=8,
        num_stages=4,
        inflate_stages=[2, 3],
        down_stages=[2, 3],
    ),
    cls_head=dict(
        type='mmaction.GCNHead',
        num_classes=4,
        in_channels=32,
        # The default would be looked up in the scope of the run, which has no loss of this name.
        loss_cls=dict(type='mmaction.CrossEntropyLoss'),
    ),
)

train_pipeline = [
    dict(type='mmaction.PreNormalize3D'),
    dict(type='mmaction.GenSkeFeat', dataset='nturgb+d', feats=['j']),
    dict(type='mmaction.UniformSampleFrames', clip_len=32),
    dict(type='mmaction.PoseDecode'),
    dict(type='mmaction.FormatGCNInput', num_person=1),
    dict(type='mmaction.PackActionInputs'),
]
val_pipeline = [
    dict(type='mmaction.PreNormalize3D'),
    dict(type='mmaction.GenSkeFeat', dataset='nturgb+d', feats=['j']),
    dict(type='mmaction.UniformSampleFrames', clip_len=32, num_clips=1, test_mode=True),
    dict(type='mmaction.PoseDecode'),
    dict(type='mmaction.FormatGCNInput', num_person=1),
    dict(type='mmaction.PackActionInputs'),
]
train_dataloader = dict(
    batch_size=16,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='mmaction.PoseDataset',
        ann_file=data_root + 'skeleton_actions.pkl',
        split='xsub_train',
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=16,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='mmaction.PoseDataset',
        ann_file=data_root + 'skeleton_actions.pkl',
        split='xsub_val',
        test_mode=True,
        pipeline=val_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='mmaction.AccMetric', metric_options=dict(top_k_accuracy=dict(topk=(1,))))
test_evaluator = val_evaluator

max_epochs = 20  # 4 iterations each
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=max_epochs)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=5e-3, weight_decay=1e-3))
param_scheduler = [dict(type='CosineAnnealingLR', by_epoch=True, T_max=max_epochs, convert_to_iter_based=True)]
default_hooks = dict(logger=dict(interval=4), checkpoint=dict(interval=max_epochs))
