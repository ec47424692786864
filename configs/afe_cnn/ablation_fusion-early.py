"""Ablation: one stream of all channels."""

_base_ = 'afe-cnn_8xb16-80e_ntu60-xsub.py'

model = dict(
    backbone=dict(stream_channels=(24,)),
    cls_head=dict(num_streams=1, stream_names=('all',)),
)
