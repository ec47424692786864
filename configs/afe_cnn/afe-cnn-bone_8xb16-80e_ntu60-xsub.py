"""The bone stream alone."""

_base_ = 'afe-cnn_8xb16-80e_ntu60-xsub.py'

model = dict(
    backbone=dict(stream_channels=(3,)),
    cls_head=dict(num_streams=1, stream_names=('bone',)),
)
changes = dict(dataset=dict(pipeline=dict(image=dict(streams=('bone',)))))
train_dataloader = dict(dataset=changes)
val_dataloader = changes
test_dataloader = changes
