"""Ablation: whole sentences with whole segments alone; no local graphs."""

_base_ = 'visa_demo.py'

model = dict(neck=dict(levels=('event',)))
