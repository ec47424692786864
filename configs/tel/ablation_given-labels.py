"""Grounding: the labels of a clip are known, only places are looked for."""

_base_ = 'dcin_minilm-i3d_30e_tel.py'

model = dict(given_labels=True)
