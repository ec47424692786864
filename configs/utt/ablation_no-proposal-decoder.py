"""UTT that begins at the last box, without maps of corners."""

_base_ = './utt_r18_100k_unified.py'

model = dict(proposal_decoder=None)
