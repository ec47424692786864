"""Ablation: the exact density of all 18 angles."""

_base_ = 'posegu_simplebaseline_s1_50e_h36m.py'

model = dict(generator=dict(propensity=dict(mode='mixture')))
