"""Variant: overlapping proposals are lowered by a Gaussian instead of dropped."""

_base_ = 'dcin_minilm-i3d_30e_tel.py'

model = dict(proposals=dict(type='MultiThresholdProposalGenerator', soft_sigma=0.5))
