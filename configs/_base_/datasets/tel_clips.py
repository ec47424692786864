"""What small sets of clips share: features of video and text in memory, no workers; a config of a set adds its own."""

clips = dict(type='TELDataset', data_prefix=dict(video='features/video', text='features/text'))
train_dataloader = dict(
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(clips, ann_file='train.json'),
)
val_dataloader = dict(
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(clips, ann_file='test.json', test_mode=True),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='TemporalEmotionMetric')
test_evaluator = val_evaluator
