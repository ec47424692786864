"""Ablation: consensus over time without pseudo labels."""

_base_ = 'dcin_demo.py'

model = dict(pseudo_loss=None)
custom_hooks = [dict(type='EpochSeedHook'), {{_base_.consensus_ramp}}]
