"""Retrieval on the 5,000 test images of COCO without training on it."""

_base_ = [
    '../_base_/models/loupe_swin-l_bert-small.py',
    '../_base_/datasets/karpathy_retrieval.py',
    '../_base_/default_runtime.py',
]

model = dict(test_mode='retrieval')
test_dataloader = dict(dataset=dict(data_root='data/coco', ann_file='dataset_coco.json'))
