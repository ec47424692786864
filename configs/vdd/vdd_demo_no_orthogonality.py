"""Both steps, without the orthogonality of the second."""

_base_ = 'vdd_demo.py'

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
