"""DCIN on clips of lines with six planted emotions; on a CPU."""

_base_ = [
    '../_base_/datasets/tel_tiny.py',
    '../_base_/default_runtime.py',
    '../_base_/models/dcin.py',
    '../_base_/schedules/dcin_demo.py',
]

max_epochs = 10  # 30 iterations each

# Little data and a short training: narrower, and with less dropout than the full setting.
model = dict(
    branches=dict(
        video=dict(in_channels=48, channels=48, input_dropout=0.0, fine=dict(num_rounds=1)),
        text=dict(in_channels=48, channels=48, input_dropout=0.0, fine=dict(num_rounds=1)),
    ),
    head=dict(dropout=0.2),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.04, by_epoch=True, begin=0, end=3, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', by_epoch=True, begin=3, T_max=7, eta_min=0, convert_to_iter_based=True),
]
custom_hooks = [dict(type='EpochSeedHook'), {{_base_.consensus_ramp}}, {{_base_.pseudo_ramp}}]
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=max_epochs)
default_hooks = dict(logger=dict(interval=30), checkpoint=dict(interval=max_epochs))
visualizer = dict(type='TimelineVisualizer')
# Its text features are planted, not those of a sentence encoder: dcin_demo_real-text.py reads subtitles.
inferencer = dict(type='TemporalEmotionInferencer', encoder=dict(type='HashSentenceEncoder', dim=48))
