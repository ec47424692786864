"""Whole images and texts alone: regions are as they are initialised, and the best cosine answers."""

_base_ = 'loupe_demo.py'

model = dict(token_estimator=None, loss_region=None, loss_alignment=None, confidence_weight=0.0)
custom_hooks = [dict(type='EpochSeedHook')]
# The head of the regions has no loss.
find_unused_parameters = True
