"""Ablation: the error is the mean distance of joints."""

_base_ = 'posegu_simplebaseline_s1_50e_h36m.py'

model = dict(error='mpjpe')
