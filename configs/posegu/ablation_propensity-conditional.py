"""Ablation: the density given the one seed."""

_base_ = 'posegu_simplebaseline_s1_50e_h36m.py'

model = dict(generator=dict(propensity=dict(mode='conditional')))
