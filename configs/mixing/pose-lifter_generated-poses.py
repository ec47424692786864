"""mmpose's PoseLifter on poses that are generated from a few seeds: the generator as a data source of mmpose."""

_base_ = '../_base_/default_runtime.py'

data_root = 'data/synthetic/pose_worlds/'
synthetic_data = dict(type='SyntheticPoseWorlds', root=data_root)

codec = dict(type='mmpose.VideoPoseLifting', num_keypoints=16, zero_center=True, root_index=0, remove_root=False)
model = dict(
    type='mmpose.PoseLifter',
    backbone=dict(
        type='mmpose.TCN', in_channels=2 * 16, stem_channels=128, num_blocks=2, kernel_sizes=(1, 1, 1), dropout=0.0
    ),
    head=dict(
        type='mmpose.TemporalRegressionHead',
        in_channels=128,
        num_joints=16,
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
seeds = dict(
    type='Human36mLiftingDataset',
    data_root=data_root,
    ann_file='data_3d_h36m.npz',
    camera_param_file='cameras.pkl',
    subjects=['S1'],
    num_seeds=200,
)
train_dataloader = dict(
    batch_size=128,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='GeneratedPoseDataset',
        seeds=seeds,
        generator=dict(
            type='PoseGenerator',
            posture=dict(type='UniformPolicy'),
            size=None,
            view=dict(type='ViewSampler', depth=(4.0, 6.0), pitch_std_deg=0.0, roll_std_deg=0.0),
            propensity=None,
        ),
        size=2048,
        pipeline=pipeline,
    ),
)
val_dataloader = dict(
    batch_size=250,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        type='MPIINF3DHPLiftingDataset',
        ann_file=data_root + 'test_3dhp.npz',
        test_mode=True,
        pipeline=pipeline,
    ),
)
test_dataloader = val_dataloader
# In metres, the unit of the data. The mean training pose: 0.32.
val_evaluator = [dict(type='mmpose.MPJPE', mode='mpjpe')]
test_evaluator = val_evaluator

max_epochs = 10  # 16 iterations each
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=max_epochs)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(optimizer=dict(type='Adam', lr=3e-3))
param_scheduler = [dict(type='CosineAnnealingLR', by_epoch=True, T_max=max_epochs, convert_to_iter_based=True)]
custom_hooks = [dict(type='EpochSeedHook'), dict(type='PoseRegenerationHook')]
default_hooks = dict(logger=dict(interval=8), checkpoint=dict(interval=max_epochs))
