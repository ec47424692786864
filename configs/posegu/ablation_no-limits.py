"""Ablation: no anatomical limits."""

_base_ = 'posegu_simplebaseline_s1_50e_h36m.py'

model = dict(generator=dict(codec=dict(limits=None)))
