"""After the warm-up estimates are always trusted."""

_base_ = 'loupe_demo.py'

model = dict(token_estimator=dict(mode='neural'))
