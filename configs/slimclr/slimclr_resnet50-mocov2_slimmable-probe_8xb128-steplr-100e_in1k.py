"""Ablation: one probe, cut to each width, in place of a probe per width."""

_base_ = 'slimclr_resnet50-mocov2_linear-probe_8xb128-steplr-100e_in1k.py'

model = dict(head=dict(kind='slimmable'))
