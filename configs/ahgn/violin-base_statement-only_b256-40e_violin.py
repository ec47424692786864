"""The baseline of VIOLIN on statements alone: what their wording gives away."""

_base_ = 'violin-base_bert-r101_b256-40e_violin.py'

model = dict(streams=())
