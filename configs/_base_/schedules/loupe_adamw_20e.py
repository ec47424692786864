"""20 epochs of AdamW at 512 pairs a step, one of them warm-up, then cosine to 0."""

max_epochs = 20
no_decay = dict(decay_mult=0.0)

optim_wrapper = dict(
    constructor='MergedOptimWrapperConstructor',
    optimizer=dict(type='AdamW', lr=2e-4, weight_decay=0.01),
    clip_grad=dict(max_norm=1.0),
    paramwise_cfg=dict(
        norm_decay_mult=0.0,
        bias_decay_mult=0.0,
        custom_keys={
            'log_scale': no_decay,
            'position_embedding': no_decay,
            'relative_position_bias_table': no_decay,
            'token_estimator': no_decay,
            'semantic_estimator': no_decay,
        },
    ),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-3, by_epoch=True, begin=0, end=1, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', by_epoch=True, begin=1, T_max=max_epochs - 1, eta_min=0, convert_to_iter_based=True),
]
train_cfg = dict(by_epoch=True, max_epochs=max_epochs)
auto_scale_lr = dict(base_batch_size=512)
