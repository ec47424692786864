"""LOUPE on a ResNet of mmdet: the cells of its third stage, each of which sees its surroundings, play the games."""

_base_ = '../loupe/loupe_demo.py'

model = dict(
    # 16 pixels a cell, 4 x 16 channels, as the patches of the demo.
    image_backbone=dict(
        _delete_=True,
        type='mmdet.ResNet',
        depth=18,
        base_channels=16,
        num_stages=3,
        strides=(1, 2, 2),
        dilations=(1, 1, 1),
        out_indices=(2,),
        norm_eval=False,
    ),
    image_channels=64,
)
