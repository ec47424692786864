"""Ablation: none of the four enhancements: the joints, rows at even distances."""

_base_ = 'afe-cnn_8xb16-80e_ntu60-xsub.py'

model = dict(
    backbone=dict(stream_channels=(3,)),
    cls_head=dict(num_streams=1, stream_names=('joint',)),
)
changes = dict(
    dataset=dict(
        pipeline=dict(frames=dict(strength=0.0), key=None, bone=None, motion=None, image=dict(streams=('joint',)))
    )
)
train_dataloader = dict(dataset=changes)
val_dataloader = changes
test_dataloader = changes
