"""Ablation: no decomposition and one step: strong-weak alignment (Saito et al., CVPR 2019)."""

_base_ = 'vdd_r101_20e_sunny2nightrainy.py'

model = dict(
    decomposer=dict(identity=True),
    specific_classifier=None,
    contexts=dict(invariant=[]),
    stages=[
        dict(
            name='align',
            update=['all'],
            branches=['base'],
            weights=dict(rpn=1.0, roi=1.0, domain_base=0.5, domain_pixel=0.5),
        )
    ],
    roi_head=dict(invariant=None, branch_weights=None),
)
optim_wrapper = dict(paramwise_cfg=dict(groups=dict(_delete_=True, all='rest')))
