"""Ablation: whole sentences with whole segments alone, by their correspondence, as in the full demo."""

_base_ = 'visa_demo.py'

model = dict(neck=dict(levels=('event',)))
