"""One anchor of three patches a side for each patch."""

_base_ = 'loupe_swin-l_bert-small_8xb64-20e_cc3m-cc12m.py'

model = dict(region_head=dict(anchor_sizes=[(3.0, 3.0)]))
