"""UTT with ResNet-50 on single objects alone."""

_base_ = './utt_r50_8xb8-8xb2-800k_unified.py'

train_cfg = dict(order=('sot',))
