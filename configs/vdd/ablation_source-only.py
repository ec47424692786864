"""Ablation: Faster R-CNN from the source alone."""

_base_ = 'vdd_r101_20e_sunny2nightrainy.py'

model = {{_base_.source_only}}
optim_wrapper = dict(paramwise_cfg=dict(groups=dict(_delete_=True, all='rest')))
