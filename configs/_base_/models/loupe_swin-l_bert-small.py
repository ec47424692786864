"""LOUPE with Swin-L at 224 pixels and BERT-Small; sizes that the published material leaves open are ours."""

grid = (7, 7)
dim = 256

model = dict(
    type='FineGrainedVLPretrainer',
    data_preprocessor=dict(type='ImageTextDataPreprocessor'),
    image_backbone=dict(
        type='mmdet.SwinTransformer',
        embed_dims=192,
        depths=[2, 2, 18, 2],
        num_heads=[6, 12, 24, 48],
        window_size=7,
        drop_path_rate=0.2,
        out_indices=(3,),
        # For the file of Swin's authors: init_cfg=dict(type='Pretrained', checkpoint='...')
        convert_weights=True,
    ),
    image_channels=1536,
    # Weights: tools/model_converters/bert_small_to_vlplugins.py
    text_backbone=dict(type='BertTextEncoder', vocab_size=30522, width=512, depth=4, heads=8, max_len=64, dropout=0.1),
    embed_dim=dim,
    loss_contrastive=dict(type='InfoNCELoss', temperature=0.07, symmetric=True, learn_scale=True, gather=True),
    region_head=dict(
        type='SemanticRegionHead',
        in_channels=1536,
        feat_channels=256,
        groups=32,
        num_regions=10,
        num_random=10,
        nms_iou=0.7,
        grid=grid,
    ),
    aligner=dict(type='RegionPhraseAligner', temperature=0.1),
    loss_region=dict(type='TokenShapleyLoss', size_normalise=True),
    loss_alignment=dict(type='SemanticShapleyLoss', normalise='row_sum', symmetric=True),
    value=dict(type='MatchedProbValue', gain=8.0, max_full_prob=0.5),
    sampler=dict(type='SampledShapley', num_samples=64),
    token_estimator=dict(
        type='HybridShapley',
        estimator=dict(type='TokenUNSIL', dim=dim, grid=grid, hidden=256, depth=2, heads=4),
        threshold=0.5,
        warmup_iters=10000,
        budget=0.5,
    ),
    semantic_estimator=dict(
        type='HybridShapley',
        estimator=dict(type='SemanticUNSIL', dim=dim, hidden=256, depth=2, heads=4),
        threshold=0.5,
        warmup_iters=10000,
        budget=0.5,
    ),
    game_text='phrase',
    # Texts of the own process compete, also where there are several.
    max_texts=64,
    loss_weights=dict(cmc=1.0, tsa=1.0, fsa=1.0),
)
