"""Videos of three flashing patches in the layout of MSR-VTT: 6 frames of 32 pixels, 20 tokens.

The set is written to disk on first use.
"""

_base_ = 'text_video_retrieval.py'

synthetic_data = dict(type='SyntheticFlashVideos', root='data/synthetic/flash_videos')
num_frames = 6
context_length = 20

clip_tail = [
    dict(type='LoadVideoFrames'),
    dict(type='mmaction.Resize', scale=(-1, 32), interpolation='area'),
    dict(type='mmaction.CenterCrop', crop_size=32),
    dict(type='Tokenize', tokenizer=dict(type='CLIP', context_length=context_length)),
    dict(type='PackRetrievalInputs'),
]
train_pipeline = [dict(type='OpenVideo'), dict(type='SegmentFrameSample', num_frames=num_frames), *clip_tail]
test_pipeline = [
    dict(type='OpenVideo'),
    dict(type='SegmentFrameSample', num_frames=num_frames, test_mode=True),
    *clip_tail,
]

# Decoding takes 3 ms a video; a process of its own hides it behind the training.
loader = dict(num_workers=1, persistent_workers=True, pin_memory=False)
videos = dict(
    type='MSRVTTRetrievalDataset',
    data_root='data/synthetic/flash_videos',
    data_prefix=dict(video='videos'),
)
train_dataloader = dict(
    batch_size=32,
    dataset=dict(ann_file='MSRVTT_data.json', split_file='MSRVTT_train.9k.csv', pipeline=train_pipeline, **videos),
    **loader,
)
val_dataloader = dict(
    batch_size=50,
    dataset=dict(split_file='MSRVTT_JSFUSION_test.csv', pipeline=test_pipeline, **videos),
    **loader,
)
test_dataloader = val_dataloader
