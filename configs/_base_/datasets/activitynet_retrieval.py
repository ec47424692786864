"""ActivityNet Captions, videos by paragraphs: 60 frames, 77 tokens.

data/activitynet holds train.json, val_1.json, the lists of ids, video_path.json, and videos/. As in the paper, the
epoch is chosen by val1, on which it is tested.
"""

data_root = 'data/activitynet'
# CLIP's constants, 255 times those for values 0..1.
data_preprocessor = dict(
    type='RetrievalDataPreprocessor',
    mean=[122.771, 116.746, 104.094],
    std=[68.501, 66.632, 70.323],
)
num_frames = 60
context_length = 77

train_pipeline = [
    dict(type='OpenVideo'),
    dict(type='SegmentFrameSample', num_frames=num_frames),
    dict(type='LoadVideoFrames'),
    dict(type='mmaction.Resize', scale=(-1, 224), interpolation='bicubic'),
    dict(type='mmaction.CenterCrop', crop_size=224),
    dict(type='Tokenize', tokenizer=dict(type='CLIP', context_length=context_length)),
    dict(type='PackRetrievalInputs'),
]
test_pipeline = [
    dict(type='OpenVideo'),
    dict(type='SegmentFrameSample', num_frames=num_frames, test_mode=True),
    dict(type='LoadVideoFrames'),
    dict(type='mmaction.Resize', scale=(-1, 224), interpolation='bicubic'),
    dict(type='mmaction.CenterCrop', crop_size=224),
    dict(type='Tokenize', tokenizer=dict(type='CLIP', context_length=context_length)),
    dict(type='PackRetrievalInputs'),
]

loader = dict(
    num_workers=8,
    persistent_workers=False,
    pin_memory=True,
    worker_init_fn=dict(type='vlplugins.seed_worker'),
    collate_fn=dict(type='pseudo_collate'),
)
train_dataloader = dict(
    batch_size=16,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='ActivityNetParagraphDataset',
        data_root=data_root,
        data_prefix=dict(video='videos'),
        ann_file='train.json',
        split_file='train_ids.json',
        video_paths_file='video_path.json',
        pipeline=train_pipeline,
    ),
    **loader,
)
# One item is a video with all of its captions.
val_dataloader = dict(
    batch_size=8,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='ActivityNetParagraphDataset',
        data_root=data_root,
        data_prefix=dict(video='videos'),
        ann_file='val_1.json',
        split_file='val_ids.json',
        video_paths_file='video_path.json',
        test_mode=True,
        pipeline=test_pipeline,
    ),
    **loader,
)
test_dataloader = val_dataloader

val_evaluator = dict(type='TextVideoRetrievalMetric')
test_evaluator = val_evaluator
