"""Ablation: distillation of the embeddings in place of the similarities."""

_base_ = 'slimclr_resnet50_mocov2_4xb256-amp-coslr-200e_in1k.py'

model = dict(loss=dict(distill_on='embeddings'))
