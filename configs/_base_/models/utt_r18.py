"""UTT with ResNet-18, as in the ablations of the paper."""

_base_ = './utt_r50.py'

model = dict(
    detector=dict(
        backbone=dict(depth=18, init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet18')),
        neck=dict(in_channels=[128, 256, 512]),
    )
)
