"""Ablation: the states of the events take part in the map."""

_base_ = 'visa_demo.py'

model = dict(head=dict(event_fusion=True))
