"""Ablation: the second step without its orthogonality."""

_base_ = 'vdd_r101_20e_sunny2nightrainy.py'

model = dict(
    stages=[
        {{_base_.decompose}},
        dict(
            name='detect',
            update=['invariant'],
            branches=['invariant'],
            no_grad=['backbone', 'pixel_classifier'],
            weights=dict(rpn=1.0, roi=1.0, domain_specific=0.25),
        ),
    ]
)
