"""AHGN on VIOLIN: BERT features of words, ResNet-101 features of frames."""

_base_ = [
    '../_base_/datasets/violin.py',
    '../_base_/default_runtime.py',
    '../_base_/models/ahgn.py',
    '../_base_/schedules/ahgn_20e.py',
]

# Coherence of untrained states is one of noise: 0 in the first epoch, then linear to full weight over the second.
ramp = dict(type='ScheduledValueHook', begin=1, end=2, by='epoch')
custom_hooks = [
    dict(type='EpochSeedHook'),
    dict(path='coherence.local.loss_weight', end_value=0.1, **ramp),
    dict(path='coherence.segment.loss_weight', end_value=0.1, **ramp),
    dict(path='coherence.glob.loss_weight', end_value=0.5, **ramp),
]
default_hooks = dict(checkpoint=dict(save_best='violin/accuracy', rule='greater'))
visualizer = dict(type='EvidenceVisualizer')
inferencer = dict(
    type='VideoLanguageInferencer',
    encoder=dict(type='TransformerSentenceEncoder', model='data/violin/bert', dim=768, max_length=256),
)
