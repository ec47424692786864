"""mmaction2's RecognizerGCN on a branch of DCIN: contexts of several extents over the frames of a skeleton."""

_base_ = '../examples/stgcn_skeleton-actions.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='SkeletonSequenceBackbone',
        branch=dict(type='DilatedContextIntegratedBranch', in_channels=25 * 3, channels=32, input_dropout=0.0),
    ),
)
