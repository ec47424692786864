"""What needs no network: single objects stay at their first box, others are associated by their last ones."""

_base_ = './utt_demo.py'

model = dict(follow=False)
