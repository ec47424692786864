"""The baseline of VIOLIN on subtitles without frames."""

_base_ = 'violin-base_bert-r101_b256-40e_violin.py'

model = dict(streams=('subtitle',))
