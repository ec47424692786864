"""UTT without target decoder and without proposal decoder."""

_base_ = './utt_r18_100k_unified.py'

model = dict(target_decoder=None, proposal_decoder=None)
