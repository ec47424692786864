"""Ablation: generated poses count alike (plain mean)."""

_base_ = 'posegu_simplebaseline_s1_50e_h36m.py'

model = dict(generator=dict(propensity=None), crm_loss=None)
