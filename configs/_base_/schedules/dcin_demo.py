"""What the demos of DCIN share: a higher rate than the full setting, consensus that comes in after 4 tenths.

A demo adds its epochs and its schedule of the rate.
"""

optim_wrapper = dict(
    optimizer=dict(type='AdamW', lr=3e-3, weight_decay=1e-2),
    clip_grad=dict(max_norm=1.0),
    paramwise_cfg=dict(
        norm_decay_mult=0.0, bias_decay_mult=0.0, custom_keys={'granularity_embed': dict(decay_mult=0.0)}
    ),
)
# The agreement of untrained branches is one on noise: 0 at first, then within a tenth of the training to full weight.
ramp = dict(type='ScheduledValueHook', begin=0.4, end=0.5, by='progress')
consensus_ramp = dict(path='consensus_loss.loss_weight', end_value=1.0, **ramp)
pseudo_ramp = dict(path='pseudo_loss.loss_weight', end_value=0.5, **ramp)
val_cfg = dict()
test_cfg = dict()
