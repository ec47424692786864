"""CenterCLIP on ActivityNet: after block 6, 60 frames become 12 segments of 49 k-medoids++ centres."""

_base_ = 'centerclip_vit-b32_baseline_8xb16-8e_activitynet.py'

model = dict(
    video_encoder=dict(token_reducers=[dict(type='TokenClustering', after_block=6, num_segments=12, num_centers=49)])
)
