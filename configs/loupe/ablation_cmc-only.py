"""Whole images and texts alone."""

_base_ = 'loupe_swin-l_bert-small_8xb64-20e_cc3m-cc12m.py'

model = dict(loss_region=None, token_estimator=None, loss_alignment=None, semantic_estimator=None)
custom_hooks = [dict(type='EpochSeedHook')]
# The head of the regions has no loss.
find_unused_parameters = True
