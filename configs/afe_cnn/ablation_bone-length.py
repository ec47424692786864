"""Ablation: bones keep their length."""

_base_ = 'afe-cnn_8xb16-80e_ntu60-xsub.py'

changes = dict(dataset=dict(pipeline=dict(bone=dict(normalize=False))))
train_dataloader = dict(dataset=changes)
val_dataloader = changes
test_dataloader = changes
