"""DCIN on clips of lines with six planted emotions; on a CPU."""

_base_ = ['../_base_/datasets/tel_tiny.py', '../_base_/default_runtime.py', '../_base_/models/dcin.py']

max_epochs = 10  # 30 iterations each

# Little data and a short training: narrower, and with less dropout than the full setting.
model = dict(
    branches=dict(
        video=dict(in_channels=48, channels=48, input_dropout=0.0, fine=dict(num_rounds=1)),
        text=dict(in_channels=48, channels=48, input_dropout=0.0, fine=dict(num_rounds=1)),
    ),
    head=dict(dropout=0.2),
)
optim_wrapper = dict(
    optimizer=dict(type='AdamW', lr=3e-3, weight_decay=1e-2),
    clip_grad=dict(max_norm=1.0),
    paramwise_cfg=dict(
        norm_decay_mult=0.0, bias_decay_mult=0.0, custom_keys={'granularity_embed': dict(decay_mult=0.0)}
    ),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.04, by_epoch=True, begin=0, end=3, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', by_epoch=True, begin=3, T_max=7, eta_min=0, convert_to_iter_based=True),
]
# The agreement of untrained branches is one on noise: 0 at first, then within a tenth of the training to full weight.
ramp = dict(type='ScheduledValueHook', begin=0.4, end=0.5, by='progress')
custom_hooks = [
    dict(type='EpochSeedHook'),
    dict(path='consensus_loss.loss_weight', end_value=1.0, **ramp),
    dict(path='pseudo_loss.loss_weight', end_value=0.5, **ramp),
]
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=max_epochs)
val_cfg = dict()
test_cfg = dict()
default_hooks = dict(logger=dict(interval=30), checkpoint=dict(interval=max_epochs))
visualizer = dict(type='TimelineVisualizer')
# Its text features are planted, not those of a sentence encoder: dcin_demo_real-text.py reads subtitles.
inferencer = dict(type='TemporalEmotionInferencer', encoder=dict(type='HashSentenceEncoder', dim=48))
