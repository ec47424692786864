"""Ablation: each person is seen from key joints of their own."""

_base_ = 'afe-cnn_8xb16-80e_ntu60-xsub.py'

changes = dict(dataset=dict(pipeline=dict(key=dict(reference='self'))))
train_dataloader = dict(dataset=changes)
val_dataloader = changes
test_dataloader = changes
