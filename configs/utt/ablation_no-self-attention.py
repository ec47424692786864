"""UTT whose targets know nothing of each other."""

_base_ = './utt_r18_100k_unified.py'

model = dict(target_transformer=dict(self_attention=False))
