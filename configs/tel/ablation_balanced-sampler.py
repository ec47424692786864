"""Variant: clips of rare emotions more often."""

_base_ = 'dcin_minilm-i3d_30e_tel.py'

train_dataloader = dict(sampler=dict(_delete_=True, type='ClassBalancedClipSampler', oversample_thr=0.1))
