"""LOUPE on rectangles with captions: the games begin when whole images and texts match; on a CPU."""

_base_ = [
    '../_base_/models/loupe_tiny.py',
    '../_base_/datasets/loupe_scenes.py',
    '../_base_/default_runtime.py',
]

max_epochs, game_epoch = 9, 2  # 37 iterations each

custom_hooks = [
    dict(type='EpochSeedHook'),
    dict(type='ScheduledValueHook', path='loss_weights.tsa', schedule='step', begin=game_epoch),
    dict(type='ScheduledValueHook', path='loss_weights.fsa', schedule='step', begin=game_epoch),
    dict(type='ReportedValueHook', path='token_estimator.sample_ratio', name='unsil/sample_ratio'),
]
optim_wrapper = dict(
    optimizer=dict(type='AdamW', lr=2e-3, weight_decay=0.01),
    clip_grad=dict(max_norm=5.0),
    paramwise_cfg=dict(
        norm_decay_mult=0.0,
        bias_decay_mult=0.0,
        custom_keys={
            'log_scale': dict(decay_mult=0.0),
            'position': dict(decay_mult=0.0),
            # The encoders move while it learns of their games.
            'token_estimator': dict(lr_mult=3.0, decay_mult=0.0),
        },
    ),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=30),
    dict(
        type='CosineAnnealingLR',
        by_epoch=True,
        begin=game_epoch,
        T_max=max_epochs - game_epoch,
        eta_min=2e-5,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=max_epochs)
default_hooks = dict(logger=dict(interval=37), checkpoint=dict(interval=max_epochs))
visualizer = dict(type='RegionPhraseVisualizer')
inferencer = dict(type='VisionLanguageInferencer', mode='grounding')
