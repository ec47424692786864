"""Transfer to COCO: Mask R-CNN whose backbone runs at all widths, trained jointly (SlimCLR, IJCV 2024, sec. 4).

Each stage map of a narrow width is padded with zero channels, so that FPN, RPN and heads are ordinary mmdet parts
which all widths share. Give the pre-trained backbone with --cfg-options model.backbone.init_cfg.checkpoint=...
"""

_base_ = [
    'mmdet::_base_/models/mask-rcnn_r50_fpn.py',
    'mmdet::_base_/datasets/coco_instance.py',
    'mmdet::_base_/schedules/schedule_1x.py',
    'mmdet::_base_/default_runtime.py',
]

custom_imports = dict(imports=['vlplugins'], allow_failed_imports=False)

model = dict(
    backbone=dict(
        _delete_=True,
        type='vlplugins.SlimmableResNet',
        depth=50,
        widths=(1.0, 0.75, 0.5, 0.25),
        out_indices=(0, 1, 2, 3),
        frozen_stages=1,
        norm_eval=False,
        norm_cfg=dict(type='SyncBN'),
        pad_outputs=True,
        init_cfg=dict(type='Pretrained', checkpoint='slimclr_backbone.pth', prefix='backbone.'),
    )
)

# 8 GPUs with 8 images each: 0.02 for a batch of 16
train_dataloader = dict(batch_size=8)
auto_scale_lr = dict(base_batch_size=64, enable=False)
optim_wrapper = dict(
    optimizer=dict(type='SGD', lr=0.08, momentum=0.9, weight_decay=1e-4), clip_grad=dict(max_norm=35, norm_type=2)
)
find_unused_parameters = True

# All widths in each step; each width validated by itself.
train_cfg = dict(_delete_=True, type='vlplugins.MultiWidthTrainLoop', max_epochs=12, val_interval=1)
val_cfg = dict(type='vlplugins.MultiWidthValLoop')
test_cfg = dict(type='vlplugins.MultiWidthTestLoop')
