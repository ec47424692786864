"""Whole captions judge, not phrases: of several objects the whole image is the best coalition."""

_base_ = 'loupe_demo_sampled.py'

model = dict(game_text='caption', loss_region=dict(size_normalise=False))
