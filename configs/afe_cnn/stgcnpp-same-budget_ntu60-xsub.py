"""Baseline: mmaction2's ST-GCN++ on joints, with its own pipeline and the budget of AFE-CNN."""

_base_ = 'afe-cnn_8xb16-80e_ntu60-xsub.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='mmaction.STGCN',
        gcn_adaptive='init',
        gcn_with_res=True,
        tcn_type='mstcn',
        graph_cfg=dict(layout='nturgb+d', mode='spatial'),
    ),
    cls_head=dict(
        _delete_=True,
        type='mmaction.GCNHead',
        num_classes=60,
        in_channels=256,
        loss_cls=dict(type='mmaction.CrossEntropyLoss'),
    ),
)
steps = dict(
    decode=dict(type='mmaction.PoseDecode'),
    format=dict(type='mmaction.FormatGCNInput', num_person=2),
    pack=dict(type='mmaction.PackActionInputs', meta_keys=('frame_dir',)),
)
features = dict(
    normalize=dict(type='mmaction.PreNormalize3D'),
    feature=dict(type='mmaction.GenSkeFeat', dataset='nturgb+d', feats=['j']),
)
train_steps = dict(**features, sample=dict(type='mmaction.UniformSampleFrames', clip_len=100), **steps)
test_steps = dict(
    **features,
    sample=dict(type='mmaction.UniformSampleFrames', clip_len=100, num_clips=1, test_mode=True),
    **steps,
)
train_dataloader = dict(dataset=dict(dataset=dict(pipeline=dict(_delete_=True, **train_steps))))
val_dataloader = dict(dataset=dict(pipeline=dict(_delete_=True, **test_steps)))
test_dataloader = dict(dataset=dict(pipeline=dict(_delete_=True, **test_steps)))
