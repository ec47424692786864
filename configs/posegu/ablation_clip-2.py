"""Ablation: weights of at most 2."""

_base_ = 'posegu_simplebaseline_s1_50e_h36m.py'

model = dict(crm_loss=dict(clip=2.0))
