"""ST-GCN (Cai et al., ICCV 2019) with one frame."""

model = dict(
    type='PoseGULifter',
    data_preprocessor=dict(type='PoseLiftingDataPreprocessor'),
    # The rates of the paper; the fine-tuning with generated poses sets 0.
    backbone=dict(type='SingleFrameSTGCN', dropout=None),
    head=dict(type='PoseLiftHead'),
)
