"""UTT whose targets also find each other by where they are, as the paper says and its code does not."""

_base_ = './utt_r18_100k_unified.py'

model = dict(target_transformer=dict(query_pos=True))
