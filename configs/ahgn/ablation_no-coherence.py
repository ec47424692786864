"""Ablation: no coherence losses."""

_base_ = 'ahgn_bert-r101_b64-20e_violin.py'

model = dict(coherence=None)
custom_hooks = [dict(type='EpochSeedHook')]
