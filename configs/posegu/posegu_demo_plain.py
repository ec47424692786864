"""Ablation: generated poses count alike, without weights."""

_base_ = 'posegu_demo.py'

model = dict(generator=dict(propensity=None), crm_loss=None)
