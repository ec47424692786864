"""UTT whose crops of many objects are all taken from the map of stride 16, as in the release."""

_base_ = './utt_r18_100k_unified.py'

model = dict(mot_levels='single')
