"""Ablation: events and actions, no atoms."""

_base_ = 'visa_demo.py'

model = dict(neck=dict(levels=('event', 'action')))
