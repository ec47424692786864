"""Ablation: 100 poses of S1 in all."""

_base_ = 'posegu_simplebaseline_s1_50e_h36m.py'

train_dataloader = dict(dataset=dict(num_seeds=100))
model = dict(generator=dict(bank=dict(num_seeds=100, strategy='farthest')))
