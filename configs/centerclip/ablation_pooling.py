"""Ablation: mean over the frames of a segment, place by place."""

_base_ = 'centerclip_vit-b32_baseline_2xb64-5e_msrvtt-9k.py'

model = dict(video_encoder=dict(token_reducers=[dict(type='TokenPooling', after_block=6, num_segments=4)]))
