"""Variant: both branches learn the normalised product of their opinions."""

_base_ = 'dcin_minilm-i3d_30e_tel.py'

model = dict(consensus_loss=dict(mode='product'))
