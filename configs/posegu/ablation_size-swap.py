"""Ablation: bodies have the bone lengths of another seed."""

_base_ = 'posegu_simplebaseline_s1_50e_h36m.py'

model = dict(generator=dict(size=dict(_delete_=True, type='BoneLengthSwap')))
