"""Variant: one true segment for each clip and class, from its first to its last line."""

_base_ = 'dcin_minilm-i3d_30e_tel.py'

test_evaluator = dict(instances='span')
