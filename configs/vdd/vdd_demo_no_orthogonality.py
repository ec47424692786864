"""Both steps, without the orthogonality of the second."""

_base_ = 'vdd_demo.py'

model = dict(stages=[{{_base_.decompose}}, {{_base_.detect}}])
