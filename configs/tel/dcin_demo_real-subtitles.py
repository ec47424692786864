"""DCIN on real subtitles and emotions of films, with synthetic features of the video; on a CPU."""

_base_ = [
    '../_base_/datasets/tel_real_subtitles.py',
    '../_base_/default_runtime.py',
    '../_base_/models/dcin.py',
    '../_base_/schedules/dcin_demo.py',
]

max_epochs = 8  # 23 iterations each

model = dict(
    branches=dict(
        video=dict(in_channels=64, channels=48, input_dropout=0.1, fine=dict(num_rounds=1)),
        text=dict(in_channels=384, channels=48, fine=dict(num_rounds=1)),
    ),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.04, by_epoch=True, begin=0, end=2, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', by_epoch=True, begin=2, T_max=6, eta_min=0, convert_to_iter_based=True),
]
custom_hooks = [dict(type='EpochSeedHook'), {{_base_.consensus_ramp}}, {{_base_.pseudo_ramp}}]
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=max_epochs)
default_hooks = dict(logger=dict(interval=23), checkpoint=dict(interval=max_epochs))
visualizer = dict(type='TimelineVisualizer')
inferencer = dict(type='TemporalEmotionInferencer', encoder=dict(type='TransformerSentenceEncoder', model='minilm'))
