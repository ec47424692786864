"""Closed-form probe: ridge regression on one-hot labels, in place of 100 epochs of a linear probe."""

_base_ = 'slimclr_resnet50_knn_in1k.py'

test_evaluator = [dict(type='RidgeProbeAccuracy', l2=0.01)]
