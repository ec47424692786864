"""Ablation: plain joint training, without slow start, distillation and re-weighting."""

_base_ = 'slimclr_demo.py'

model = dict(loss=dict(distill=None, reweight='none'))
custom_hooks = [dict(type='EpochSeedHook')]
