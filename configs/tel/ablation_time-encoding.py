"""Variant: duration, gap and place of each line as further inputs."""

_base_ = 'dcin_minilm-i3d_30e_tel.py'

part = dict(time_encoding=True)
model = dict(branches=dict(video=part, text=part))
