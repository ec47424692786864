"""UTT on single objects alone."""

_base_ = './utt_r18_100k_unified.py'

train_cfg = dict(order=('sot',))
