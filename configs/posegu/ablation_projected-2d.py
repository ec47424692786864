"""Ablation: trained on exact projections of the poses of S1, tested on 2D poses detected by CPN."""

_base_ = 'posegu_simplebaseline-cpn_50e_h36m.py'

pipeline = [dict(type='ProjectLiftingTarget'), dict(type='ScreenNormalize'), dict(type='PackLiftingInputs')]
train_dataloader = dict(dataset=dict(subjects=['S1'], pipeline=pipeline))
