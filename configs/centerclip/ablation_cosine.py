"""Ablation: clustered by cosine."""

_base_ = 'centerclip_vit-b32_baseline_2xb64-5e_msrvtt-9k.py'

model = dict(
    video_encoder=dict(
        token_reducers=[
            dict(
                type='TokenClustering',
                after_block=6,
                num_segments=4,
                num_centers=49,
                algorithm=dict(type='KMedoids', metric='cosine'),
            )
        ]
    )
)
