"""Ablation: no classifier of the specific part."""

_base_ = 'vdd_r101_20e_sunny2nightrainy.py'

model = dict(
    specific_classifier=None,
    contexts=dict(invariant=['base', 'pixel']),
    stages=[
        dict(
            name='decompose',
            update=['shared', 'invariant'],
            branches=['invariant', 'base'],
            weights=dict(rpn=1.0, roi=0.5, domain_base=0.25, domain_pixel=0.25),
        ),
        dict(
            name='orthogonalise',
            update=['invariant'],
            branches=['invariant'],
            no_grad=['backbone', 'pixel_classifier'],
            weights=dict(rpn=1.0, roi=1.0, orthogonality=0.5),
        ),
    ],
)
optim_wrapper = dict(paramwise_cfg=dict(groups=dict(invariant=['decomposer', 'roi_head.invariant'])))
