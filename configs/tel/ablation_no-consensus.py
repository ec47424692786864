"""Ablation: neither consensus nor pseudo labels; each branch learns from the labels of clips alone."""

_base_ = 'dcin_minilm-i3d_30e_tel.py'

model = dict(consensus_loss=None, pseudo_loss=None)
custom_hooks = [dict(type='EpochSeedHook')]
