"""Ablation: no coarse stream; every line is its own only context."""

_base_ = 'dcin_demo.py'

model = dict(branches=dict(video=dict(coarse=None), text=dict(coarse=None)))
