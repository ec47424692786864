"""PoseGU on synthetic poses: 128 seeds of people who mostly stand, tested on postures that are rare; on a CPU."""

_base_ = ['../_base_/datasets/pose_worlds.py', '../_base_/default_runtime.py']

max_epochs = 32  # 16 iterations each

# The seeds are seen by a pinhole camera 4 to 6 m away that looks horizontally, and the poses of the test sets likewise.
generator = dict(
    type='PoseGenerator',
    bank=dict(type='SeedPoseBank', num_seeds=128, strategy='farthest'),
    posture=dict(type='FixedGaussianPolicy', sigma_deg=20.0, sigma_elev_deg=20.0),
    size=None,
    view=dict(type='ViewSampler', depth=(4.0, 6.0), pitch_std_deg=0.0, roll_std_deg=0.0, root_std=(0.2, 0.1)),
    propensity=dict(type='PosePropensity', mode='per_bone', target=dict(type='UniformTarget')),
)
model = dict(
    type='PoseGULifter',
    # SimpleBaseline with 256 channels in place of 1024, without dropout.
    backbone=dict(
        type='mmpose.TCN', in_channels=32, stem_channels=256, num_blocks=2, kernel_sizes=(1, 1, 1), dropout=0.0
    ),
    head=dict(type='PoseLiftHead', in_channels=256, init_cfg=dict(type='Normal', layer='Conv1d', std=0.01)),
    generator=generator,
    crm_loss=dict(type='CounterfactualRiskLoss', estimator='snips', clip=10.0, var_weight=0.1),
    online=True,
    mix='separate',
)

val_dataloader = dict(
    dataset=dict(
        datasets=[
            {{_base_.standing_set}},
            {{_base_.uniform_set}},
            {{_base_.seeds_set}},
            dict(
                type='GeneratedPoseDataset',
                seeds={{_base_.seeds_set}},
                generator=generator,
                size=1000,
                pipeline={{_base_.pipeline}},
                test_mode=True,
            ),
        ]
    )
)
test_dataloader = val_dataloader
val_evaluator = [
    dict(type='PoseLiftingMetric', datasets=['standing', 'uniform']),
    dict(type='PoseDiversityMetric', datasets=['generated', 'seeds']),
]
test_evaluator = val_evaluator

optim_wrapper = dict(optimizer=dict(type='Adam', lr=2e-3), clip_grad=dict(max_norm=1.0))
param_scheduler = [
    dict(type='PolyLR', power=1.0, eta_min=0.0, by_epoch=True, end=max_epochs, convert_to_iter_based=True)
]
custom_hooks = [dict(type='EpochSeedHook'), dict(type='SeedBankHook'), dict(type='GenerationMonitorHook')]

train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=max_epochs)
val_cfg = dict()
test_cfg = dict()
default_hooks = dict(logger=dict(interval=16), checkpoint=dict(interval=max_epochs))
visualizer = dict(type='PoseLiftingVisualizer')
inferencer = dict(type='PoseLiftingInferencer')
