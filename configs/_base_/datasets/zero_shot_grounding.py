"""Grounding of expressions without boxes of training: images stretched to the input. A config adds the set."""

grounding_pipeline = [
    dict(type='LoadImage'),
    dict(type='Resize', scale=(224, 224), keep_ratio=False, interpolation='bicubic'),
    dict(
        type='Tokenize',
        tokenizer=dict(type='WordPiece', vocabulary='data/bert/vocab.txt', context_length=64),
        template='an image of {}',
    ),
    dict(type='PackVLInputs'),
]
expressions = dict(
    type='RefCocoGroundingDataset',
    instances_file='instances.json',
    data_prefix=dict(img='../coco/train2014'),
    test_mode=True,
    pipeline=grounding_pipeline,
)
test_dataloader = dict(
    batch_size=64,
    num_workers=8,
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='pseudo_collate'),
)
test_evaluator = dict(type='GroundingAccuracy', iou_thr=0.5)
test_cfg = dict()
