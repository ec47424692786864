"""Ablation: the sub-networks share no weights with one another (three widths, which fit side by side)."""

_base_ = 'ablation_widths-3.py'

model = dict(backbone=dict(overlap_weight=False))
