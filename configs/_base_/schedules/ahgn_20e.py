"""AdamW for 20 epochs, with a warm-up."""

optim_wrapper = dict(
    constructor='MergedOptimWrapperConstructor',
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=3e-4, weight_decay=1e-2, betas=(0.9, 0.98)),
    clip_grad=dict(max_norm=5.0),
    paramwise_cfg=dict(
        norm_decay_mult=0.0,
        bias_decay_mult=0.0,
        custom_keys={
            'role_embed': dict(decay_mult=0.0),
            'kinds': dict(decay_mult=0.0),
            'places': dict(decay_mult=0.0),
            'negation': dict(decay_mult=0.0),
            'silent': dict(decay_mult=0.0),
            'mixing': dict(decay_mult=0.0),
            # Biases of an LSTM have other names than `bias`.
            'onward.bias': dict(decay_mult=0.0),
            'backward_.bias': dict(decay_mult=0.0),
        },
    ),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=500),
    dict(type='CosineAnnealingLR', by_epoch=True, begin=0, T_max=20, eta_min=1e-6, convert_to_iter_based=True),
]
train_cfg = dict(by_epoch=True, max_epochs=20, val_interval=1)
val_cfg = dict()
test_cfg = dict()
auto_scale_lr = dict(base_batch_size=64)
