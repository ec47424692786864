"""Ablation: the seeds alone, without generated poses."""

_base_ = 'posegu_demo.py'

model = dict(generator=None, crm_loss=None, online=False)
custom_hooks = [dict(type='EpochSeedHook')]
