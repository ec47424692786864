"""Rectangles with captions; written to disk on first use. Grounding and retrieval are judged together."""

data_root = 'data/synthetic/loupe_scenes'
synthetic_data = dict(type='SyntheticLoupeScenes', root=data_root)
tokenizer = dict(type='WordPiece', vocabulary=f'{data_root}/vocab.txt', context_length=26)

train_pipeline = [
    dict(type='LoadImage'),
    dict(type='CaptionSafeFlip'),
    dict(type='Tokenize', tokenizer=tokenizer, with_offsets=True),
    dict(type='MapPhraseSpans'),
    dict(type='PackVLInputs'),
]
test_pipeline = [
    dict(type='LoadImage'),
    # The scenes have this size; images of others may be given to the inferencer.
    dict(type='Resize', scale=(96, 96), keep_ratio=False),
    dict(type='Tokenize', tokenizer=tokenizer),
    dict(type='PackVLInputs'),
]

train_dataloader = dict(
    batch_size=32,
    num_workers=0,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(
        type='ImageTextPairDataset',
        data_root=data_root,
        ann_file='pairs/train.jsonl',
        data_prefix=dict(img='pairs'),
        pipeline=train_pipeline,
    ),
)
images = dict(data_root=data_root, data_prefix=dict(img='images'), test_mode=True, pipeline=test_pipeline)
expressions = dict(
    type='RefCocoGroundingDataset', ann_file='refcoco/refs(unc).p', instances_file='refcoco/instances.json', **images
)
loader = dict(
    batch_size=100,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='pseudo_collate'),
)
val_dataloader = dict(
    grounding=dict(
        dataset=dict(
            type='ConcatDataset', datasets=[dict(split='testA', **expressions), dict(split='testB', **expressions)]
        ),
        **loader,
    ),
    retrieval=dict(
        dataset=dict(type='KarpathyRetrievalDataset', ann_file='karpathy/dataset_scenes.json', **images), **loader
    ),
)
val_evaluator = dict(grounding=dict(type='GroundingAccuracy', join_splits=True), retrieval=dict(type='ImageTextRecall'))
val_cfg = dict(type='MultiSetValLoop', attribute='test_mode')
test_dataloader = val_dataloader
test_evaluator = val_evaluator
test_cfg = dict(type='MultiSetTestLoop', attribute='test_mode')
