"""Ablation: poses are generated before each epoch, as many as there are real ones, and stand beside them."""

_base_ = 'posegu_simplebaseline_s1_50e_h36m.py'

model = dict(generator=None, online=False)
seeds = dict(
    type='Human36mLiftingDataset',
    data_root={{_base_.data_root}},
    ann_file='data_3d_h36m.npz',
    camera_param_file='cameras.pkl',
    subjects=['S1'],
)
train_dataloader = dict(
    batch_size=2048,
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        datasets=[
            dict(seeds, keypoint_file='data_2d_h36m_gt.npz', pipeline={{_base_.pipeline}}),
            dict(
                type='GeneratedPoseDataset',
                seeds=seeds,
                generator={{_base_.generator}},
                ratio=1.0,
                pipeline={{_base_.pipeline}},
            ),
        ],
    ),
)
custom_hooks = [
    dict(type='EpochSeedHook'),
    dict(type='PoseRegenerationHook', interval=1),
    dict(type='GenerationMonitorHook'),
]
