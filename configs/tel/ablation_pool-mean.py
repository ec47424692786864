"""Ablation: the score of a clip is the mean of all lines."""

_base_ = 'dcin_minilm-i3d_30e_tel.py'

model = dict(head=dict(pool=dict(_delete_=True, type='MaskedMeanPooling')))
