"""VideoPose3D (Pavllo et al., CVPR 2019) with one frame: 8.49 M parameters."""

model = dict(
    type='PoseGULifter',
    data_preprocessor=dict(type='PoseLiftingDataPreprocessor'),
    backbone=dict(
        type='mmpose.TCN', in_channels=32, stem_channels=1024, num_blocks=4, kernel_sizes=(1, 1, 1, 1, 1), dropout=0.25
    ),
    head=dict(type='PoseLiftHead', in_channels=1024),
    # As linear layers have it in the releases; TCN itself would begin otherwise.
    init_cfg=dict(type='Kaiming', mode='fan_in', distribution='normal', layer='Conv1d'),
)
