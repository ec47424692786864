"""Ablation: no fine stream, where boundaries are known; what it adds where the labels do not hide it."""

_base_ = 'dcin_demo_full-supervision.py'

fine = dict(integration='mean')
model = dict(branches=dict(video=dict(fine=fine), text=dict(fine=fine)))
