"""AHGN on clips of people who act and speak; on a CPU."""

_base_ = ['../_base_/datasets/violin_tiny.py', '../_base_/default_runtime.py', '../_base_/models/ahgn.py']

max_epochs = 6  # 94 iterations each, of 48 pairs

model = dict(
    text_channels=32,
    dim=64,
    input_dropout=0.0,
    statement_encoder=dict(heads=4, dropout=0.0),
    premise_encoder=dict(video_channels=32, input_dropout=0.0),
    local_graph=dict(heads=4, dropout=0.0),
    segment_graph=dict(heads=4, dropout=0.0),
    statement_graph=dict(heads=4, dropout=0.0),
    # Few clips: the replaced segments are to be found within them.
    coherence=dict(segment=dict(loss_weight=0.5)),
    predict_coherence=True,
)
optim_wrapper = dict(
    optimizer=dict(type='AdamW', lr=6e-4, weight_decay=1e-2),
    clip_grad=dict(max_norm=5.0),
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.04, by_epoch=True, begin=0, end=1, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', by_epoch=True, begin=1, T_max=5, eta_min=0, convert_to_iter_based=True),
]
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=max_epochs)
val_cfg = dict()
test_cfg = dict()
default_hooks = dict(logger=dict(interval=94), checkpoint=dict(interval=max_epochs))
visualizer = dict(type='EvidenceVisualizer')
inferencer = dict(type='VideoLanguageInferencer', encoder=dict(type='HashSentenceEncoder', dim=32))
