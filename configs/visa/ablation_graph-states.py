"""Ablation: actions and atoms are matched by their states after the graph layers, which know of each other."""

_base_ = 'visa_i3d_b32-50e_charades-cg.py'

model = dict(neck=dict(match_states='graph'))
