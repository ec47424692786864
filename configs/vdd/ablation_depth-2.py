"""Ablation: 2 convolutions in the extractor."""

_base_ = 'vdd_r101_20e_sunny2nightrainy.py'

model = dict(decomposer=dict(num_convs=2))
