"""SemGCN on real pairs of Human3.6M alone."""

_base_ = [
    '../_base_/models/pose_lifter_semgcn.py',
    '../_base_/datasets/h36m_lifting.py',
    '../_base_/schedules/lifter_50e.py',
]

max_epochs = 100
optim_wrapper = dict(optimizer=dict(lr=2e-2))
train_cfg = dict(max_epochs=max_epochs)

visualizer = dict(type='PoseLiftingVisualizer')
inferencer = dict(type='PoseLiftingInferencer')
