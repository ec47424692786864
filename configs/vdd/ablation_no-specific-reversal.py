"""Ablation: no gradient reversal before the classifier of the specific part."""

_base_ = 'vdd_r101_20e_sunny2nightrainy.py'

model = dict(reverse_specific=False)
