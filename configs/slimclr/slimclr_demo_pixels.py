"""Baseline: the pixels themselves are the features. Nothing is trained; run it with tools/test.py and 'none'."""

_base_ = 'slimclr_demo.py'

model = dict(
    _delete_=True,
    type='FeatureExtractor',
    data_preprocessor={{_base_.data_preprocessor}},
    backbone=dict(type='PixelBackbone'),
)
