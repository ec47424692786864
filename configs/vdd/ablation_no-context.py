"""Ablation: no context vectors in the box heads."""

_base_ = 'vdd_r101_20e_sunny2nightrainy.py'

no_context = dict(bbox_head=dict(context_channels=()))
model = dict(contexts=None, roi_head=dict(invariant=no_context, base=no_context))
