"""LOUPE on images of 6 x 6 patches: patches that see no other, a small text encoder, 9 anchors a patch."""

grid = (6, 6)
dim = 64

model = dict(
    type='FineGrainedVLPretrainer',
    data_preprocessor=dict(type='ImageTextDataPreprocessor', mean=[120.0] * 3, std=[60.0] * 3),
    image_backbone=dict(type='PatchEncoder', patch_size=16, hidden=128, width=dim),
    image_channels=dim,
    text_backbone=dict(type='BertTextEncoder', vocab_size=32, width=dim, depth=2, heads=4, max_len=26, dropout=0.0),
    embed_dim=dim,
    # Phrases are means of words; so texts are.
    text_pool='words',
    # Half of an object looks like the object: how large it is, the confidence says.
    confidence_weight=2.0,
    region_head=dict(
        type='SemanticRegionHead',
        in_channels=dim,
        feat_channels=64,
        groups=8,
        anchor_sizes=[(width, height) for width in (2, 3, 4) for height in (2, 3, 4)],
        on_borders=True,
        num_regions=10,
        num_random=14,
        nms_iou=0.7,
        grid=grid,
    ),
    aligner=dict(type='RegionPhraseAligner', temperature=0.1),
    loss_region=dict(type='TokenShapleyLoss'),
    loss_alignment=dict(type='SemanticShapleyLoss'),
    value=dict(type='MatchedProbValue', gain=8.0, max_full_prob=0.5),
    sampler=dict(type='SampledShapley', num_samples=16),
    token_estimator=dict(
        type='HybridShapley',
        estimator=dict(type='TokenUNSIL', dim=dim, grid=grid, hidden=64, depth=1),
        threshold=2.0,
        # Longer than it must learn: what unsure interactions alone teach makes it unsure of all.
        warmup_iters=150,
        # About the last 20 steps count for the ratio of samples that is reported.
        momentum=0.95,
        # On a CPU nothing waits for a device.
        budget=None,
    ),
    num_game_images=8,
)
