"""Ablation: 500 poses of S1 in all."""

_base_ = 'posegu_simplebaseline_s1_50e_h36m.py'

train_dataloader = dict(dataset=dict(num_seeds=500))
model = dict(generator=dict(bank=dict(num_seeds=500, strategy='farthest')))
