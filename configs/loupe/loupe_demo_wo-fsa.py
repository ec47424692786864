"""Without the second game: regions and phrases are not aligned."""

_base_ = 'loupe_demo_sampled.py'

model = dict(loss_alignment=None)
