"""Boxes are drawn to better boxes beside them."""

_base_ = 'loupe_demo_sampled.py'

model = dict(loss_location=dict(type='RegionLocationLoss'))
