"""UTT with crops of 3 x 3."""

_base_ = './utt_r18_100k_unified.py'

model = dict(target_transformer=dict(pool_size=3))
