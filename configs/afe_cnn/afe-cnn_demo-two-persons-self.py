"""Ablation: each person's own key joints, so that both distances look alike."""

_base_ = 'afe-cnn_demo-two-persons.py'

changes = dict(dataset=dict(pipeline=dict(key=dict(reference='self'))))
train_dataloader = changes
val_dataloader = changes
test_dataloader = changes
