"""Boxes are drawn to better boxes beside them."""

_base_ = 'loupe_swin-l_bert-small_8xb64-20e_cc3m-cc12m.py'

model = dict(loss_location=dict(type='RegionLocationLoss'))
