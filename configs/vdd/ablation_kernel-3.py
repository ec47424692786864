"""Ablation: convolutions of 3x3 in the extractor."""

_base_ = 'vdd_r101_20e_sunny2nightrainy.py'

model = dict(decomposer=dict(kernel_size=3))
