"""Ablation: consensus over time without pseudo labels, and no fine stream."""

_base_ = 'dcin_demo_no-pseudo.py'

fine = dict(integration='mean')
model = dict(branches=dict(video=dict(fine=fine), text=dict(fine=fine)))
