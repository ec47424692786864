"""UTT that looks for given targets in the maps of the whole frame, which run once for any number of them."""

_base_ = './utt_r18_100k_unified.py'

model = dict(search=dict(shared=True))
