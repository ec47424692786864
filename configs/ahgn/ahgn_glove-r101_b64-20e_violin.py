"""AHGN on VIOLIN: GloVe features of words, ResNet-101 features of frames."""

_base_ = 'ahgn_bert-r101_b64-20e_violin.py'

model = dict(text_channels=300, premise_encoder=dict(video_channels=2048))
load = [
    dict(type='LoadClipFeatures', modality='video', dim=2048, rescale='l2', max_rows=256),
    dict(type='LoadTextFeatures', dim=300, max_tokens=256, max_statement_tokens=48),
]
train_pipeline = [*load, *_base_.train_pipeline[2:]]
test_pipeline = [*load, *_base_.test_pipeline[2:]]
folders = dict(video='features/resnet101', text='text/glove')
train_dataloader = dict(dataset=dict(data_prefix=folders, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(data_prefix=folders, pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(data_prefix=folders, pipeline=test_pipeline))
inferencer = dict(encoder=dict(_delete_=True, type='WordVectorEncoder', path='data/violin/glove.npz'))
