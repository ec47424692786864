"""PoseGU with ST-GCN of one frame: seeds and real pairs of five subjects of Human3.6M."""

_base_ = [
    '../_base_/models/pose_lifter_stgcn.py',
    '../_base_/models/pose_generator.py',
    '../_base_/datasets/h36m_lifting.py',
    '../_base_/schedules/posegu_50e.py',
]

model = dict(backbone=dict(dropout=0.0), generator={{_base_.generator}}, crm_loss={{_base_.crm_loss}}, online=True)
custom_hooks = [dict(type='EpochSeedHook'), dict(type='SeedBankHook'), dict(type='GenerationMonitorHook')]
visualizer = dict(type='PoseLiftingVisualizer')
inferencer = dict(type='PoseLiftingInferencer')
