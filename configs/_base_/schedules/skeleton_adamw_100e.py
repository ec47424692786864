"""100 epochs of AdamW at a batch of 16, for a set of 200 clips (inferred)."""

max_epochs = 100

optim_wrapper = dict(
    constructor='MergedOptimWrapperConstructor',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-2),
    clip_grad=dict(max_norm=1.0),
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-3, by_epoch=True, begin=0, end=0.05 * max_epochs, convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        by_epoch=True,
        begin=0.05 * max_epochs,
        end=max_epochs,
        T_max=0.95 * max_epochs,
        eta_min=0,
        convert_to_iter_based=True,
    ),
]
# The last checkpoint is tested: choosing one by the clips that are left out would be no test.
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=max_epochs)
val_cfg = dict()
test_cfg = dict()
auto_scale_lr = dict(enable=False, base_batch_size=16)
