"""The same detector from the boxes of the source alone: no decomposition, no domain classifier, one head."""

_base_ = 'vdd_demo.py'

model = dict(
    decomposer=dict(identity=True),
    pixel_classifier=None,
    base_classifier=None,
    specific_classifier=None,
    contexts=None,
    stages=[dict(name='detect', update=['all'], branches=['base'], weights=dict(rpn=1.0, roi=1.0))],
    roi_head=dict(invariant=None, base=dict(bbox_head=dict(context_channels=())), branch_weights=None),
)
optim_wrapper = dict(paramwise_cfg=dict(groups=dict(_delete_=True, all='rest')))
