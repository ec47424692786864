"""Ablation: real and generated poses pass the network apart."""

_base_ = 'posegu_simplebaseline_s1_50e_h36m.py'

model = dict(mix='separate')
