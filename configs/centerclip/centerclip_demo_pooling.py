"""Ablation: the mean over the frames of a segment, place by place."""

_base_ = 'centerclip_demo.py'

model = dict(video_encoder=dict(token_reducers=[dict(type='TokenPooling', after_block=0, num_segments=3)]))
