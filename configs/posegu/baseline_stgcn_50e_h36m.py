"""ST-GCN of one frame on real pairs of Human3.6M alone."""

_base_ = [
    '../_base_/models/pose_lifter_stgcn.py',
    '../_base_/datasets/h36m_lifting.py',
    '../_base_/schedules/lifter_50e.py',
]

visualizer = dict(type='PoseLiftingVisualizer')
inferencer = dict(type='PoseLiftingInferencer')
