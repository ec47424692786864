"""CenterCLIP on MSVD with spectral clustering, 4 segments."""

_base_ = 'centerclip_vit-b32_baseline_2xb64-5e_msvd.py'

model = dict(
    video_encoder=dict(
        token_reducers=[
            dict(
                type='TokenClustering',
                after_block=6,
                num_segments=4,
                num_centers=49,
                algorithm=dict(type='SpectralClustering', graph='KNN', sigma=2.0),
            )
        ]
    )
)
