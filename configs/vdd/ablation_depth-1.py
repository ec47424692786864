"""Ablation: 1 convolution in the extractor."""

_base_ = 'vdd_r101_20e_sunny2nightrainy.py'

model = dict(decomposer=dict(num_convs=1))
