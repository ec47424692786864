"""Ablation: none of the enhancements: joints in centred camera coordinates, rows at even distances, one stream."""

_base_ = 'afe-cnn_demo.py'

model = dict(
    backbone=dict(stream_channels=(3,)),
    cls_head=dict(num_streams=1, stream_names=('joint',)),
)
changes = dict(
    dataset=dict(
        pipeline=dict(
            normalize=dict(view='none', size='none'),
            frames=dict(strength=0.0),
            key=None,
            bone=None,
            motion=None,
            image=dict(streams=('joint',)),
        )
    )
)
train_dataloader = changes
val_dataloader = changes
test_dataloader = changes
