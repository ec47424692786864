"""Ablation: the same number of tokens, chosen by index alone."""

_base_ = 'centerclip_demo.py'

model = dict(
    video_encoder=dict(
        token_reducers=[dict(type='TokenSparseSampling', after_block=0, num_segments=3, num_centers=8)],
    ),
)
