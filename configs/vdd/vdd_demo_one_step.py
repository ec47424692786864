"""Decomposition and alignment, without the second step and its orthogonality."""

_base_ = 'vdd_demo.py'

model = dict(stages=[{{_base_.decompose}}])
