"""The obvious score, a cosine, which saturates."""

_base_ = 'loupe_swin-l_bert-small_8xb64-20e_cc3m-cc12m.py'

model = dict(value=dict(_delete_=True, type='CosineValue'))
