"""Ablation: actions and atoms are matched by their states after the graph layers, which know of each other."""

_base_ = 'visa_demo.py'

model = dict(neck=dict(match_states='graph'))
