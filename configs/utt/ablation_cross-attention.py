"""UTT whose targets attend to the whole map, on one level."""

_base_ = './utt_r18_100k_unified.py'

model = dict(target_transformer=dict(attention='cross'), mot_levels='single')
