"""mmaction2's ST-GCN on joints in body coordinates at key times: transforms of AFE-CNN before a graph network."""

_base_ = '../examples/stgcn_skeleton-actions.py'

pipeline = [
    dict(type='SanitizeSkeleton', num_person=1),
    dict(type='BodyFrameNormalize', layout='nturgb+d'),
    dict(type='KeyFrameEnhance', length=32),
    dict(type='SkeletonImageEncode', layout='nturgb+d', streams=('joint',), order=False, format='graph'),
    dict(type='mmaction.PackActionInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=pipeline))
val_dataloader = dict(dataset=dict(pipeline=pipeline))
test_dataloader = val_dataloader
