"""CenterCLIP on MSVD: after block 6, 12 frames become 4 segments of 49 k-medoids++ centres."""

_base_ = 'centerclip_vit-b32_baseline_2xb64-5e_msvd.py'

model = dict(
    video_encoder=dict(token_reducers=[dict(type='TokenClustering', after_block=6, num_segments=4, num_centers=49)])
)
