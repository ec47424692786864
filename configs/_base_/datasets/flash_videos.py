"""Videos of three flashing patches in the layout of MSR-VTT: 6 frames of 32 pixels, 20 tokens.

The set is written to disk on first use.
"""

synthetic_data = dict(type='SyntheticFlashVideos', root='data/synthetic/flash_videos')
data_root = 'data/synthetic/flash_videos'
# CLIP's constants, 255 times those for values 0..1.
data_preprocessor = dict(
    type='RetrievalDataPreprocessor',
    mean=[122.771, 116.746, 104.094],
    std=[68.501, 66.632, 70.323],
)
num_frames = 6
context_length = 20

train_pipeline = [
    dict(type='OpenVideo'),
    dict(type='SegmentFrameSample', num_frames=num_frames),
    dict(type='LoadVideoFrames'),
    dict(type='mmaction.Resize', scale=(-1, 32), interpolation='area'),
    dict(type='mmaction.CenterCrop', crop_size=32),
    dict(type='Tokenize', tokenizer=dict(type='CLIP', context_length=context_length)),
    dict(type='PackRetrievalInputs'),
]
test_pipeline = [
    dict(type='OpenVideo'),
    dict(type='SegmentFrameSample', num_frames=num_frames, test_mode=True),
    dict(type='LoadVideoFrames'),
    dict(type='mmaction.Resize', scale=(-1, 32), interpolation='area'),
    dict(type='mmaction.CenterCrop', crop_size=32),
    dict(type='Tokenize', tokenizer=dict(type='CLIP', context_length=context_length)),
    dict(type='PackRetrievalInputs'),
]

# Decoding takes 3 ms a video; a process of its own hides it behind the training.
loader = dict(
    num_workers=1,
    persistent_workers=True,
    worker_init_fn=dict(type='vlplugins.seed_worker'),
    collate_fn=dict(type='pseudo_collate'),
)
train_dataloader = dict(
    batch_size=32,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='MSRVTTRetrievalDataset',
        data_root=data_root,
        data_prefix=dict(video='videos'),
        ann_file='MSRVTT_data.json',
        split_file='MSRVTT_train.9k.csv',
        pipeline=train_pipeline,
    ),
    **loader,
)
# One item is a video with all of its captions.
val_dataloader = dict(
    batch_size=50,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='MSRVTTRetrievalDataset',
        data_root=data_root,
        data_prefix=dict(video='videos'),
        split_file='MSRVTT_JSFUSION_test.csv',
        test_mode=True,
        pipeline=test_pipeline,
    ),
    **loader,
)
test_dataloader = val_dataloader

val_evaluator = dict(type='TextVideoRetrievalMetric')
test_evaluator = val_evaluator
