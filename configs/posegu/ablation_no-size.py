"""Ablation: bodies keep the size of their seeds."""

_base_ = 'posegu_simplebaseline_s1_50e_h36m.py'

model = dict(generator=dict(size=None))
