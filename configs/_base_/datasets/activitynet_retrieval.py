"""ActivityNet Captions, videos by paragraphs: 60 frames, 77 tokens.

data/activitynet holds train.json, val_1.json, the lists of ids, video_path.json, and videos/. As in the paper, the
epoch is chosen by val1, on which it is tested.
"""

_base_ = 'text_video_retrieval.py'

num_frames = 60
context_length = 77

clip_tail = [
    dict(type='LoadVideoFrames'),
    dict(type='mmaction.Resize', scale=(-1, 224), interpolation='bicubic'),
    dict(type='mmaction.CenterCrop', crop_size=224),
    dict(type='Tokenize', tokenizer=dict(type='CLIP', context_length=context_length)),
    dict(type='PackRetrievalInputs'),
]
train_pipeline = [dict(type='OpenVideo'), dict(type='SegmentFrameSample', num_frames=num_frames), *clip_tail]
test_pipeline = [
    dict(type='OpenVideo'),
    dict(type='SegmentFrameSample', num_frames=num_frames, test_mode=True),
    *clip_tail,
]

videos = dict(
    type='ActivityNetParagraphDataset',
    data_root='data/activitynet',
    data_prefix=dict(video='videos'),
    video_paths_file='video_path.json',
)
train_dataloader = dict(
    batch_size=16,
    dataset=dict(ann_file='train.json', split_file='train_ids.json', pipeline=train_pipeline, **videos),
)
val_dataloader = dict(
    batch_size=8,
    dataset=dict(ann_file='val_1.json', split_file='val_ids.json', pipeline=test_pipeline, **videos),
)
test_dataloader = val_dataloader
