"""Ablation: whole frames at random within even stretches, as mmaction2 samples them."""

_base_ = 'afe-cnn_8xb16-80e_ntu60-xsub.py'

sample = dict(_delete_=True, type='mmaction.UniformSampleFrames', clip_len=64)
times = dict(_delete_=True, type='KeyTimesFromFrames')
train_dataloader = dict(dataset=dict(dataset=dict(pipeline=dict(frames=dict(**sample), times=dict(**times)))))
val_dataloader = dict(
    dataset=dict(pipeline=dict(frames=dict(num_clips=1, test_mode=True, **sample), times=dict(**times)))
)
test_dataloader = dict(
    dataset=dict(pipeline=dict(frames=dict(num_clips=1, test_mode=True, **sample), times=dict(**times)))
)
