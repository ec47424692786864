"""A small AFE-CNN on UTKinect-Action3D, take 0 left out; tools/analysis/cross_validate.py runs all folds."""

_base_ = [
    '../_base_/models/afe_cnn.py',
    '../_base_/datasets/utkinect_3d.py',
    '../_base_/schedules/skeleton_adamw_100e.py',
    '../_base_/default_runtime.py',
]

model = dict(
    backbone=dict(widths=(16, 32, 64)),
    cls_head=dict(num_classes=10, in_channels=64, dropout=0.5),
)
default_hooks = dict(logger=dict(interval=10), checkpoint=dict(interval=100))
visualizer = dict(type='SkeletonActionVisualizer', layout='kinect20')
inferencer = dict(type='SkeletonActionInferencer')
