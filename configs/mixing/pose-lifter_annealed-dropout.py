"""mmpose's PoseLifter with a dropout that fades while it trains: SlimCLR's schedule hook on a model of mmpose."""

_base_ = '../examples/pose-lifter_human36m.py'

custom_hooks = [
    dict(type='EpochSeedHook'),
    dict(
        type='ScheduledValueHook',
        path='backbone.dropout.p',
        schedule='cosine',
        start_value=0.25,
        end_value=0.0,
        begin=0,
        end=0.5,
        by='progress',
    ),
]
