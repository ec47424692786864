"""PoseGU with VideoPose of one frame: seeds and real pairs of the one subject S1."""

_base_ = 'posegu_videopose_50e_h36m.py'

train_dataloader = dict(dataset=dict(subjects=['S1']))
