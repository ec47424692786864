"""What all sets of videos and captions share: 12 frames of 224 pixels, 32 tokens, 64 videos a batch.

These are the settings of CenterCLIP (sec. 4.1). A config of a set adds the datasets. One that samples
otherwise gives both pipelines anew.
"""

# CLIP's constants, 255 times those for values 0..1.
data_preprocessor = dict(
    type='RetrievalDataPreprocessor',
    mean=[122.771, 116.746, 104.094],
    std=[68.501, 66.632, 70.323],
)
num_frames = 12
context_length = 32

clip_tail = [
    dict(type='LoadVideoFrames'),
    dict(type='mmaction.Resize', scale=(-1, 224), interpolation='bicubic'),
    dict(type='mmaction.CenterCrop', crop_size=224),
    dict(type='Tokenize', tokenizer=dict(type='CLIP', context_length=context_length)),
    dict(type='PackRetrievalInputs'),
]
train_pipeline = [
    dict(type='OpenVideo'),
    dict(type='SegmentFrameSample', num_frames=num_frames),
    *clip_tail,
]
test_pipeline = [
    dict(type='OpenVideo'),
    dict(type='SegmentFrameSample', num_frames=num_frames, test_mode=True),
    *clip_tail,
]

loader = dict(
    num_workers=8,
    persistent_workers=False,
    pin_memory=True,
    worker_init_fn=dict(type='vlplugins.seed_worker'),
    collate_fn=dict(type='pseudo_collate'),
)
train_dataloader = dict(
    batch_size=64,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(pipeline=train_pipeline),
    **loader,
)
# One item is a video with all of its captions.
val_dataloader = dict(
    batch_size=32,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(test_mode=True, pipeline=test_pipeline),
    **loader,
)
test_dataloader = val_dataloader

val_evaluator = dict(type='TextVideoRetrievalMetric')
test_evaluator = val_evaluator
