"""Ablation: mmaction2's normalisation by two rotations, without size."""

_base_ = 'afe-cnn_8xb16-80e_ntu60-xsub.py'

changes = dict(
    dataset=dict(
        pipeline=dict(
            before=dict(type='mmaction.PreNormalize3D'), normalize=dict(view='none', size='none', origin='none')
        )
    )
)
train_dataloader = dict(dataset=changes)
val_dataloader = changes
test_dataloader = changes
