"""The same detector from the boxes of the source alone: no decomposition, no domain classifier, one head."""

_base_ = 'vdd_demo.py'

model = {{_base_.source_only}}
optim_wrapper = dict(paramwise_cfg=dict(groups=dict(_delete_=True, all='rest')))
