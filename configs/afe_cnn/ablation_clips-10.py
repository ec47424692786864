"""Ablation: tested on ten jittered clips, whose probabilities are averaged."""

_base_ = 'afe-cnn_8xb16-80e_ntu60-xsub.py'

test_dataloader = dict(dataset=dict(pipeline=dict(frames=dict(jitter=0.5, num_clips=10))))
