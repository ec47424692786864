"""Ablation: the head of the invariant map predicts."""

_base_ = 'vdd_r101_20e_sunny2nightrainy.py'

model = dict(roi_head=dict(branch_weights=dict(base=0.0, invariant=1.0)))
