"""Fine-tuning of CLIP for 8 epochs at a joint batch of 128, at twice the rates (CenterCLIP, ActivityNet)."""

_base_ = 'clip_finetune_5e.py'

max_epochs = 8

optim_wrapper = dict(optimizer=dict(lr=1e-5))
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
train_cfg = dict(max_epochs=max_epochs)
