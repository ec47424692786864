"""UTT with crops of 1 x 1."""

_base_ = './utt_r18_100k_unified.py'

model = dict(target_transformer=dict(pool_size=1))
