"""UTT with 4 iterations of the target transformer."""

_base_ = './utt_r18_100k_unified.py'

model = dict(target_transformer=dict(num_iterations=4))
