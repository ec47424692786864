"""Ablation: whole sentences with whole segments alone; the states of the events take part in the map."""

_base_ = 'visa_demo_event-only.py'

model = dict(head=dict(event_fusion=True))
