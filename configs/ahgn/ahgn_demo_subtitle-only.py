"""Ablation: subtitles without frames."""

_base_ = 'ahgn_demo.py'

model = dict(premise_encoder=dict(modalities=('subtitle',)), coherence=dict(local=None))
