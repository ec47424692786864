"""Ablation: the score of a clip is an average that attention weighs."""

_base_ = 'dcin_minilm-i3d_30e_tel.py'

model = dict(head=dict(pool=dict(_delete_=True, type='MaskedAttentionPooling', channels=256, num_classes=18)))
