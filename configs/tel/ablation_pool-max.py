"""Ablation: the score of a clip is that of its best line."""

_base_ = 'dcin_minilm-i3d_30e_tel.py'

model = dict(head=dict(pool=dict(_delete_=True, type='MaskedMaxPooling')))
