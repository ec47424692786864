"""Grounding on RefCOCO+ without boxes of training: accuracy on val, testA and testB."""

_base_ = 'loupe_swin-l_bert-small_zs-grounding_refcoco.py'

test_dataloader = dict(
    dataset=dict(datasets=[dict(each, data_root='data/refcoco+') for each in _base_.test_dataloader.dataset.datasets])
)
