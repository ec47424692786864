"""UTT on many objects alone."""

_base_ = './utt_r18_100k_unified.py'

train_cfg = dict(order=('mot',))
