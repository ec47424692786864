"""mmaction2's ST-GCN with the attention of AFE-CNN over time and joints behind it."""

_base_ = '../examples/stgcn_skeleton-actions.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='LayeredBackbone',
        backbone={{_base_.model.backbone}},
        layers=[dict(type='JointTimeAttention', channels=32)],
    )
)
