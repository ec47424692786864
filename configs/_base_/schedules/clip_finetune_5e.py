"""Fine-tuning of CLIP for 5 epochs at a joint batch of 128 (CenterCLIP, SIGIR 2022, sec. 4.1)."""

max_epochs = 5

optim_wrapper = dict(
    constructor='MergedOptimWrapperConstructor',
    type='AmpOptimWrapper',
    loss_scale='dynamic',
    optimizer=dict(type='AdamW', lr=5e-6, betas=(0.9, 0.98), eps=1e-6, weight_decay=0.2),
    clip_grad=dict(max_norm=1.0),
    # No decay of biases alone; new modules learn at 5e-3.
    paramwise_cfg=dict(
        custom_keys={
            'bias': dict(decay_mult=0.0),
            'class_weights': dict(lr_mult=1000.0),
            'frame_embedding': dict(lr_mult=1000.0),
        }
    ),
)
# Linear over the first tenth of the steps, then cosine, per iteration.
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, by_epoch=True, begin=0, end=0.1 * max_epochs, convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        by_epoch=True,
        begin=0.1 * max_epochs,
        end=max_epochs,
        T_max=0.9 * max_epochs,
        eta_min=1e-11,
        convert_to_iter_based=True,
    ),
]

train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=1)
val_cfg = dict()
test_cfg = dict()
