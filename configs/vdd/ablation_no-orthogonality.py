"""Ablation: the second step without its orthogonality."""

_base_ = 'vdd_r101_20e_sunny2nightrainy.py'

model = dict(stages=[{{_base_.decompose}}, {{_base_.detect}}])
