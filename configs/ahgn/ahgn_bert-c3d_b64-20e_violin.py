"""AHGN on VIOLIN: BERT features of words, C3D features of frames."""

_base_ = 'ahgn_bert-r101_b64-20e_violin.py'

model = dict(text_channels=768, premise_encoder=dict(video_channels=4096))
load = [
    dict(type='LoadClipFeatures', modality='video', dim=4096, rescale='l2', max_rows=256),
    dict(type='LoadTextFeatures', dim=768, max_tokens=256, max_statement_tokens=48),
]
train_pipeline = [*load, *_base_.train_pipeline[2:]]
test_pipeline = [*load, *_base_.test_pipeline[2:]]
folders = dict(video='features/c3d', text='text/bert')
train_dataloader = dict(dataset=dict(data_prefix=folders, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(data_prefix=folders, pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(data_prefix=folders, pipeline=test_pipeline))
