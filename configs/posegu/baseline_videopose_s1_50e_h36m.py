"""VideoPose of one frame on real pairs of the one subject S1."""

_base_ = 'baseline_videopose_50e_h36m.py'

train_dataloader = dict(dataset=dict(subjects=['S1']))
