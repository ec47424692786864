"""CenterCLIP with ViT-B/16 on ActivityNet: 15 segments of 160 centres."""

_base_ = 'centerclip_vit-b32_baseline_8xb16-8e_activitynet.py'

model = dict(
    video_encoder=dict(
        patch_size=16,
        token_reducers=[
            dict(
                type='TokenClustering',
                after_block=6,
                num_segments=15,
                num_centers=160,
                algorithm=dict(type='KMedoids', split_size=4),
            )
        ],
    )
)
train_dataloader = dict(batch_size=4)
