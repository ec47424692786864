"""Ablation: no fine stream; the mean of the contexts is added to each line."""

_base_ = 'dcin_demo.py'

fine = dict(integration='mean')
model = dict(branches=dict(video=dict(fine=fine), text=dict(fine=fine)))
