"""Variant: the lines of a class in a clip as one set of seconds."""

_base_ = 'dcin_minilm-i3d_30e_tel.py'

test_evaluator = dict(instances='set')
