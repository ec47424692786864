"""The obvious score, a cosine, which saturates."""

_base_ = 'loupe_demo_sampled.py'

model = dict(value=dict(_delete_=True, type='CosineValue'))
