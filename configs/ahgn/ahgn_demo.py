"""AHGN on clips of people who act and speak; on a CPU."""

_base_ = ['../_base_/datasets/violin_tiny.py', '../_base_/default_runtime.py', '../_base_/models/ahgn.py']

max_epochs = 6  # 94 iterations each, of 48 pairs

model = dict(
    text_channels=32,
    dim=48,
    input_dropout=0.0,
    statement_encoder=dict(heads=4, dropout=0.0),
    premise_encoder=dict(video_channels=32, input_dropout=0.0),
    local_graph=dict(heads=4, dropout=0.0),
    segment_graph=dict(heads=4, layers=1, dropout=0.0),
    statement_graph=dict(heads=4, layers=1, dropout=0.0),
    # Of four segments two foreign ones are as good a clip as the others: mostly one is replaced.
    coherence=dict(segment=dict(prob=0.2)),
    predict_coherence=True,
)
optim_wrapper = dict(
    constructor='MergedOptimWrapperConstructor',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-2, fused=True),
    clip_grad=dict(max_norm=5.0),
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.04, by_epoch=True, begin=0, end=1, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', by_epoch=True, begin=1, T_max=5, eta_min=2e-4, convert_to_iter_based=True),
]
# Coherence of untrained states is one of noise, which holds up the verdicts. These are learned in one sudden step that
# begins in the second or third epoch: coherence comes with the fourth. Both losses are weighted more than in the full
# setting, as there are few clips.
ramp = dict(type='ScheduledValueHook', begin=3, end=3, by='epoch')
custom_hooks = [
    dict(type='EpochSeedHook'),
    dict(path='coherence.local.loss_weight', end_value=0.2, **ramp),
    dict(path='coherence.segment.loss_weight', end_value=1.0, **ramp),
]
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=max_epochs)
val_cfg = dict()
test_cfg = dict()
default_hooks = dict(logger=dict(interval=94), checkpoint=dict(interval=max_epochs))
visualizer = dict(type='EvidenceVisualizer')
inferencer = dict(type='VideoLanguageInferencer', encoder=dict(type='HashSentenceEncoder', dim=32))
