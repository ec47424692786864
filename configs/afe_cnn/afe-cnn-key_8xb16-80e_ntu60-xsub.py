"""The key stream alone."""

_base_ = 'afe-cnn_8xb16-80e_ntu60-xsub.py'

model = dict(
    backbone=dict(stream_channels=(15,)),
    cls_head=dict(num_streams=1, stream_names=('key',)),
)
changes = dict(dataset=dict(pipeline=dict(image=dict(streams=('key',)))))
train_dataloader = dict(dataset=changes)
val_dataloader = changes
test_dataloader = changes
