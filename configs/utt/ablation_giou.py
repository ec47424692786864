"""UTT with the simple associator of the release."""

_base_ = './utt_r18_100k_unified.py'

model = dict(associator=dict(generalised=True, max_cost=1.2))
