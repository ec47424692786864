"""Ablation: spectral clustering."""

_base_ = 'centerclip_demo.py'

model = dict(
    video_encoder=dict(
        token_reducers=[
            dict(
                type='TokenClustering',
                after_block=0,
                num_segments=3,
                num_centers=8,
                algorithm=dict(type='SpectralClustering'),
            )
        ],
    ),
)
