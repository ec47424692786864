"""Interactions are not divided by the size of a region."""

_base_ = 'loupe_swin-l_bert-small_8xb64-20e_cc3m-cc12m.py'

model = dict(loss_region=dict(size_normalise=False))
