"""Ablation: frames without subtitles."""

_base_ = 'ahgn_demo.py'

model = dict(premise_encoder=dict(modalities=('video',)), coherence=dict(local=None))
custom_hooks = [_base_.custom_hooks[0], _base_.custom_hooks[2]]
