"""Human3.6M in the files of VideoPose3D: five subjects to learn from, two to test; 2D poses are projections."""

data_root = 'data/h36m/'

pipeline = [dict(type='ScreenNormalize'), dict(type='PackLiftingInputs')]
human36m = dict(
    type='Human36mLiftingDataset',
    data_root=data_root,
    ann_file='data_3d_h36m.npz',
    keypoint_file='data_2d_h36m_gt.npz',
    camera_param_file='cameras.pkl',
    pipeline=pipeline,
)
loader = dict(
    num_workers=4,
    persistent_workers=True,
    worker_init_fn=dict(type='vlplugins.seed_worker'),
    collate_fn=dict(type='pseudo_collate'),
)
train_dataloader = dict(
    batch_size=1024,
    # A last batch of one pose has no statistics.
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(human36m, subjects=['S1', 'S5', 'S6', 'S7', 'S8']),
    **loader,
)
val_dataloader = dict(
    batch_size=1024,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(human36m, subjects=['S9', 'S11'], test_mode=True),
    **loader,
)
test_dataloader = val_dataloader
val_evaluator = [dict(type='PoseLiftingMetric', by_action=True)]
test_evaluator = val_evaluator
