"""No random boxes beside the confident ones."""

_base_ = 'loupe_swin-l_bert-small_8xb64-20e_cc3m-cc12m.py'

model = dict(region_head=dict(num_random=0))
