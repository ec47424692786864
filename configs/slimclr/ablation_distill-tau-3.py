"""Ablation: temperature 3 of the distillation instead of 5."""

_base_ = 'slimclr_resnet50_mocov2_4xb256-amp-coslr-200e_in1k.py'

model = dict(loss=dict(distill=dict(tau_teacher=3.0, tau_student=3.0)))
