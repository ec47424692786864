"""Nearest neighbours on the frozen features of every width; nothing is trained.

Run with: python tools/test.py configs/slimclr/slimclr_resnet50_knn_in1k.py CHECKPOINT
"""

_base_ = ['../_base_/datasets/imagenet_knn.py', '../_base_/default_runtime.py']

model = dict(
    type='FeatureExtractor',
    data_preprocessor={{_base_.data_preprocessor}},
    backbone=dict(type='SlimmableResNet', depth=50, widths=(1.0, 0.75, 0.5, 0.25)),
)
test_cfg = dict()
train_dataloader = None
