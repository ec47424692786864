"""Retrieval on Karpathy's splits: short side of 224 pixels, the middle, captions as they are. A config adds the set."""

karpathy_pipeline = [
    dict(type='LoadImage'),
    dict(type='ResizeEdge', scale=224, edge='short', interpolation='bicubic'),
    dict(type='CenterCrop', crop_size=224),
    dict(type='Tokenize', tokenizer=dict(type='WordPiece', vocabulary='data/bert/vocab.txt', context_length=64)),
    dict(type='PackVLInputs'),
]
test_dataloader = dict(
    batch_size=64,
    num_workers=8,
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(type='KarpathyRetrievalDataset', splits=('test',), test_mode=True, pipeline=karpathy_pipeline),
)
test_evaluator = dict(type='ImageTextRecall')
test_cfg = dict()
