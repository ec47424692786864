"""UTT whose targets know nothing of the search frame before proposals."""

_base_ = './utt_r18_100k_unified.py'

model = dict(target_decoder=None)
