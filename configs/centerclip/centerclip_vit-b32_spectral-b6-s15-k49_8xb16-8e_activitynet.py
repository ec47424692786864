"""CenterCLIP on ActivityNet with spectral clustering, 15 segments."""

_base_ = 'centerclip_vit-b32_baseline_8xb16-8e_activitynet.py'

model = dict(
    video_encoder=dict(
        token_reducers=[
            dict(
                type='TokenClustering',
                after_block=6,
                num_segments=15,
                num_centers=49,
                algorithm=dict(type='SpectralClustering', graph='KNN', sigma=2.0),
            )
        ]
    )
)
