"""Ablation: whole sentences with whole segments alone; the states of the events take part in the map."""

_base_ = 'visa_demo.py'

model = dict(neck=dict(levels=('event',)), head=dict(event_fusion=True))
