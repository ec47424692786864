"""80 passes over NTU RGB+D at a joint batch of 128, as mmaction2 trains ST-GCN++; the rest is inferred."""

max_epochs = 16  # of five passes each

optim_wrapper = dict(
    constructor='MergedOptimWrapperConstructor',
    optimizer=dict(type='SGD', lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4),
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
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=1)
val_cfg = dict()
test_cfg = dict()
# 8 GPUs of 16 clips.
auto_scale_lr = dict(enable=False, base_batch_size=128)
