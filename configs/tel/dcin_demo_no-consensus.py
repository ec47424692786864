"""Ablation: neither consensus nor pseudo labels; each branch learns from the labels of clips alone."""

_base_ = 'dcin_demo.py'

model = dict(consensus_loss=None, pseudo_loss=None)
custom_hooks = [dict(type='EpochSeedHook')]
