"""The demo of UTT without maps of corners: the search for a single object starts at its last box."""

_base_ = './utt_demo.py'

model = dict(proposal_decoder=None)
