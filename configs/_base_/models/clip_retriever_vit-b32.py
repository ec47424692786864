"""CLIP ViT-B/32 for text-video retrieval by mean pooling (CLIP4Clip, meanP); 12 frames.

As in the release of CenterCLIP, what comes before the first block of each tower is frozen.
"""

model = dict(
    type='TextVideoRetriever',
    video_encoder=dict(
        type='CLIPVisionTransformer',
        img_size=224,
        patch_size=32,
        width=768,
        layers=12,
        heads=12,
        out_dim=512,
        num_frames=12,
        token_reducers=[],
        frozen_layers=0,
    ),
    text_encoder=dict(type='CLIPTextTransformer', width=512, layers=12, heads=8, out_dim=512, frozen_layers=0),
    # ln(100), as the checkpoints of CLIP have it
    head=dict(type='MeanPoolSimilarityHead', logit_scale_init=4.6052),
)
