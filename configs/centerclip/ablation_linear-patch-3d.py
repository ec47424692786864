"""Ablation: patches span three frames."""

_base_ = 'centerclip_vit-b32_b6-s4-k49_2xb64-5e_msrvtt-9k.py'

model = dict(video_encoder=dict(linear_patch='3d'))
