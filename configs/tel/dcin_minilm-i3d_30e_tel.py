"""DCIN on TEL: subtitles by MiniLM, video by features that you supply (here of I3D, 1024 numbers)."""

_base_ = [
    '../_base_/datasets/tel.py',
    '../_base_/default_runtime.py',
    '../_base_/models/dcin.py',
    '../_base_/schedules/dcin_30e.py',
]

# The agreement of untrained branches is one on noise: 0 at first, then within a tenth of the training to full weight.
ramp = dict(type='ScheduledValueHook', begin=0.3, end=0.4, by='progress')
custom_hooks = [
    dict(type='EpochSeedHook'),
    dict(path='consensus_loss.loss_weight', end_value=1.0, **ramp),
    dict(path='pseudo_loss.loss_weight', end_value=0.5, **ramp),
]
default_hooks = dict(checkpoint=dict(save_best='tel/clip_mAP'))
visualizer = dict(type='TimelineVisualizer')
inferencer = dict(type='TemporalEmotionInferencer', encoder=dict(type='TransformerSentenceEncoder', model='minilm'))
