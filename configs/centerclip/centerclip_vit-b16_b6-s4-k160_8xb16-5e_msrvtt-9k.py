"""CenterCLIP with ViT-B/16 on MSR-VTT: 160 centres a segment."""

_base_ = 'centerclip_vit-b32_baseline_2xb64-5e_msrvtt-9k.py'

model = dict(
    video_encoder=dict(
        patch_size=16,
        token_reducers=[
            dict(
                type='TokenClustering',
                after_block=6,
                num_segments=4,
                num_centers=160,
                algorithm=dict(type='KMedoids', split_size=4),
            )
        ],
    )
)
train_dataloader = dict(batch_size=16)
