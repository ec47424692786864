"""One fixed width as a plain mmdet backbone: half of the channels, ordinary loops."""

_base_ = 'mask-rcnn_slimclr-resnet50_fpn_1x_coco.py'

model = dict(backbone=dict(default_width=0.5, pad_outputs=False), neck=dict(in_channels=[128, 256, 512, 1024]))
train_cfg = dict(_delete_=True, type='EpochBasedTrainLoop', max_epochs=12, val_interval=1)
val_cfg = dict(_delete_=True, type='ValLoop')
test_cfg = dict(_delete_=True, type='TestLoop')
