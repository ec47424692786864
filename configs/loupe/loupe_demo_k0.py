"""No random boxes beside the confident ones."""

_base_ = 'loupe_demo_sampled.py'

model = dict(region_head=dict(num_random=0))
