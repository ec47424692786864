"""Whole captions judge, not phrases."""

_base_ = 'loupe_swin-l_bert-small_8xb64-20e_cc3m-cc12m.py'

model = dict(game_text='caption')
