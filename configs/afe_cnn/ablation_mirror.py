"""Ablation: half of the training clips are mirrored. (Not where a class is defined by its side.)"""

_base_ = 'afe-cnn_8xb16-80e_ntu60-xsub.py'

flip = dict(type='SkeletonFlip', layout='nturgb+d', probability=0.5)
train_dataloader = dict(dataset=dict(dataset=dict(pipeline=dict(flip=flip))))
