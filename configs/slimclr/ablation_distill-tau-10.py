"""Ablation: temperature 10 of the distillation instead of 5."""

_base_ = 'slimclr_resnet50_mocov2_4xb256-amp-coslr-200e_in1k.py'

model = dict(loss=dict(distill=dict(tau_teacher=10.0, tau_student=10.0)))
