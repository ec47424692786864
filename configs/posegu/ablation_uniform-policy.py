"""Ablation: postures uniform within the limits."""

_base_ = 'posegu_simplebaseline_s1_50e_h36m.py'

model = dict(generator=dict(posture=dict(_delete_=True, type='UniformPolicy'), propensity=None), crm_loss=None)
