"""Ablation: 12 frames become 6 segments after block 4, and these 3 after block 8."""

_base_ = 'centerclip_vit-b32_baseline_2xb64-5e_msrvtt-9k.py'

model = dict(
    video_encoder=dict(
        token_reducers=[
            dict(type='TokenClustering', after_block=4, num_segments=6, num_centers=49),
            dict(type='TokenClustering', after_block=8, num_segments=3, num_centers=49),
        ]
    )
)
