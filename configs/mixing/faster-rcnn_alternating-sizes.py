"""mmdet's Faster R-CNN on large and on small images by turns, with the loops of UTT.

A batch has images of one size, so that none is padded, and each size is judged by itself: one detector for two cameras.
"""

_base_ = '../examples/faster-rcnn_slimmable-resnet18_shapes.py'

large, large_val = _base_.train_dataloader, _base_.val_dataloader
small_resize = dict(type='mmdet.Resize', scale=(64, 64), keep_ratio=True)
# Four times as many of the small ones take hardly more time.
small = dict(
    large,
    batch_size=16,
    dataset=dict(large['dataset'], pipeline=[*_base_.train_pipeline[:2], small_resize, *_base_.train_pipeline[3:]]),
)
small_val = dict(
    large_val,
    dataset=dict(large_val['dataset'], pipeline=[_base_.test_pipeline[0], small_resize, *_base_.test_pipeline[2:]]),
)
metric = _base_.val_evaluator

train_dataloader = dict(_delete_=True, large=large, small=small)
val_dataloader = dict(_delete_=True, large=large_val, small=small_val)
val_evaluator = dict(_delete_=True, large=dict(metric, prefix='large'), small=dict(metric, prefix='small'))
test_dataloader = val_dataloader
test_evaluator = val_evaluator
train_cfg = dict(_delete_=True, type='AlternatingTrainLoop', max_iters=320, val_interval=320)
val_cfg = dict(_delete_=True, type='MultiSetValLoop')
test_cfg = dict(_delete_=True, type='MultiSetTestLoop')
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=16),
    dict(type='CosineAnnealingLR', by_epoch=False, T_max=320),
]
log_processor = dict(by_epoch=False)
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=320))
