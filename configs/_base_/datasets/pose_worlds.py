"""Poses of two synthetic worlds in the files of Human3.6M (people mostly stand) and 3DHP (every posture alike)."""

data_root = 'data/synthetic/pose_worlds/'
synthetic_data = dict(type='SyntheticPoseWorlds', root=data_root)

pipeline = [dict(type='ScreenNormalize'), dict(type='PackLiftingInputs')]
human36m = dict(
    type='Human36mLiftingDataset',
    data_root=data_root,
    ann_file='data_3d_h36m.npz',
    keypoint_file='data_2d_h36m_gt.npz',
    camera_param_file='cameras.pkl',
    pipeline=pipeline,
)
# 128 poses, each in 8 headings before 4 cameras.
train_set = dict(human36m, subjects=['S1'], cache=True)
seeds_set = dict(train_set, name='seeds')
standing_set = dict(human36m, subjects=['S9'], name='standing', test_mode=True)
uniform_set = dict(
    type='MPIINF3DHPLiftingDataset',
    data_root=data_root,
    ann_file='test_3dhp.npz',
    name='uniform',
    test_mode=True,
    pipeline=pipeline,
)

train_dataloader = dict(
    batch_size=256,
    num_workers=0,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='pseudo_collate'),
    dataset=train_set,
)
val_dataloader = dict(
    batch_size=500,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(type='ConcatDataset', datasets=[standing_set, uniform_set]),
)
test_dataloader = val_dataloader
val_evaluator = [dict(type='PoseLiftingMetric', datasets=['standing', 'uniform'])]
test_evaluator = val_evaluator
