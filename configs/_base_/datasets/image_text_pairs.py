"""Conceptual Captions (3M and 12M) in place of the private pairs of the paper: manifests over shards of images.

Both come from ``tools/dataset_converters/image_text_to_vlplugins.py``.
"""

tokenizer = dict(type='WordPiece', vocabulary='data/bert/vocab.txt', context_length=64)

train_pipeline = [
    dict(type='LoadImage'),
    dict(type='RandomResizedCrop', size=224, scale=(0.6, 1.0), interpolation='bicubic'),
    dict(type='ColorJitter', brightness=0.2, contrast=0.2, saturation=0.2),
    dict(type='CaptionSafeFlip', prob=0.5),
    dict(type='Tokenize', tokenizer=tokenizer, with_offsets=True),
    dict(
        type='MapPhraseSpans',
        chunker=dict(type='RuleNounPhraseChunker', attach_pp=('in', 'with', 'of')),
        max_phrases=8,
    ),
    dict(type='PackVLInputs'),
]

pairs = dict(type='ImageTextPairDataset', ann_file='train.jsonl', skip_bad=True, pipeline=train_pipeline)
train_dataloader = dict(
    batch_size=64,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    drop_last=True,
    worker_init_fn=dict(type='vlplugins.seed_worker'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(
        type='ConcatDataset',
        datasets=[
            dict(data_root='data/cc3m', data_prefix=dict(img='shards'), **pairs),
            dict(data_root='data/cc12m', data_prefix=dict(img='shards'), **pairs),
        ],
    ),
)
