"""Ablation: statements without a clip: whether they leak."""

_base_ = 'ahgn_demo.py'

model = dict(premise_encoder=dict(modalities=()), coherence=dict(local=None, segment=None))
custom_hooks = [dict(type='EpochSeedHook')]
