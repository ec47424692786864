"""mmpose's PoseLifter on Human3.6M's files, in the scope of vlplugins: its parts are ``mmpose.X``."""

_base_ = '../_base_/default_runtime.py'

data_root = 'data/synthetic/human36m/'
synthetic_data = dict(type='SyntheticHuman36m', root=data_root, num_frames=20)

codec = dict(type='mmpose.VideoPoseLifting', num_keypoints=17, zero_center=True, root_index=0, remove_root=False)
model = dict(
    type='mmpose.PoseLifter',
    # The single-frame network of mmpose's Human3.6M configs with 128 channels in place of 1024.
    backbone=dict(
        type='mmpose.TCN',
        in_channels=2 * 17,
        stem_channels=128,
        num_blocks=2,
        kernel_sizes=(1, 1, 1),
        dropout=0.1,
        use_stride_conv=True,
    ),
    head=dict(
        type='mmpose.TemporalRegressionHead',
        in_channels=128,
        num_joints=17,
        loss=dict(type='mmpose.MPJPELoss'),
        decoder=codec,
    ),
)

pipeline = [
    dict(type='mmpose.GenerateTarget', encoder=codec),
    dict(
        type='mmpose.PackPoseInputs',
        meta_keys=('id', 'category_id', 'target_img_path', 'flip_indices', 'target_root'),
    ),
]
train_dataloader = dict(
    batch_size=100,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='mmpose.Human36mDataset',
        data_root=data_root,
        ann_file='annotation_body3d/fps50/h36m_train.npz',
        camera_param_file='annotation_body3d/cameras.pkl',
        seq_len=1,
        causal=False,
        pipeline=pipeline,
    ),
)
val_dataloader = dict(
    batch_size=240,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        type='mmpose.Human36mDataset',
        data_root=data_root,
        ann_file='annotation_body3d/fps50/h36m_test.npz',
        camera_param_file='annotation_body3d/cameras.pkl',
        seq_len=1,
        causal=False,
        test_mode=True,
        pipeline=pipeline,
    ),
)
test_dataloader = val_dataloader
# In metres, the unit of the data. The pose of every test person is the mean training pose: 0.20.
val_evaluator = [dict(type='mmpose.MPJPE', mode='mpjpe'), dict(type='mmpose.MPJPE', mode='p-mpjpe')]
test_evaluator = val_evaluator

max_epochs = 10  # 24 iterations each
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=max_epochs)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(optimizer=dict(type='Adam', lr=3e-3))
param_scheduler = [dict(type='CosineAnnealingLR', by_epoch=True, T_max=max_epochs, convert_to_iter_based=True)]
default_hooks = dict(logger=dict(interval=8), checkpoint=dict(interval=max_epochs))
