"""SemGCN (Zhao et al., CVPR 2019) without non-local layers: 0.27 M parameters."""

model = dict(
    type='PoseGULifter',
    data_preprocessor=dict(type='PoseLiftingDataPreprocessor'),
    backbone=dict(type='SemGCN', channels=128, num_blocks=4, dropout=0.0),
    head=dict(type='PoseLiftHead'),
)
