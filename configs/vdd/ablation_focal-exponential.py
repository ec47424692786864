"""Ablation: the exponential form of the focal loss."""

_base_ = 'vdd_r101_20e_sunny2nightrainy.py'

model = dict(image_domain_loss=dict(kind='exponential'))
