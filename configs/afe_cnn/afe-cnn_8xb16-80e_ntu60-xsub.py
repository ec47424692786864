"""AFE-CNN on NTU RGB+D, cross-subject."""

_base_ = [
    '../_base_/models/afe_cnn.py',
    '../_base_/datasets/ntu60_3d.py',
    '../_base_/schedules/skeleton_sgd_80e.py',
    '../_base_/default_runtime.py',
]

default_hooks = dict(checkpoint=dict(save_best='acc/top1'))
visualizer = dict(type='SkeletonActionVisualizer')
inferencer = dict(type='SkeletonActionInferencer')
