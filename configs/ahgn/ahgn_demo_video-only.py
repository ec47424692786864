"""Ablation: frames without subtitles."""

_base_ = 'ahgn_demo.py'

model = dict(premise_encoder=dict(modalities=('video',)), coherence=dict(local=None))
