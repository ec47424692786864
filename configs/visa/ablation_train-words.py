"""Ablation: word vectors are trained, so that words of tests alone lose their place."""

_base_ = 'visa_i3d_b32-50e_charades-cg.py'

model = dict(query_encoder=dict(freeze_words=False))
