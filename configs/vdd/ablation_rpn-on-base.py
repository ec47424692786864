"""Ablation: proposals from the whole map."""

_base_ = 'vdd_r101_20e_sunny2nightrainy.py'

model = dict(rpn_feature='base')
