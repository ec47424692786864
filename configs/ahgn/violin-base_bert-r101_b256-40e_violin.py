"""The baseline of VIOLIN as its code trains it: Adam, 256 pairs a batch, 40 epochs, the best of validation."""

_base_ = ['../_base_/datasets/violin.py', '../_base_/default_runtime.py', '../_base_/models/violin_base.py']

optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=3e-4, weight_decay=1e-5))
train_cfg = dict(by_epoch=True, max_epochs=40, val_interval=1)
val_cfg = dict()
test_cfg = dict()
train_dataloader = dict(batch_size=256)
auto_scale_lr = dict(base_batch_size=256)
default_hooks = dict(checkpoint=dict(save_best='violin/accuracy', rule='greater'))
visualizer = dict(type='EvidenceVisualizer')
inferencer = dict(
    type='VideoLanguageInferencer',
    encoder=dict(type='TransformerSentenceEncoder', model='data/violin/bert', dim=768, max_length=256),
)
