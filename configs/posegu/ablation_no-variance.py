"""Ablation: no penalty on the variance."""

_base_ = 'posegu_simplebaseline_s1_50e_h36m.py'

model = dict(crm_loss=dict(var_weight=0.0))
