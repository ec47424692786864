"""Ablation: the text alone, without anything to agree with."""

_base_ = 'dcin_demo_no-consensus.py'

model = dict(branches=dict(video=None))
