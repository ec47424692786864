"""PoseGU with ST-GCN of one frame, trained on Human3.6M, tested on MPI-INF-3DHP."""

_base_ = ['posegu_stgcn_50e_h36m.py', '../_base_/datasets/mpi_inf_3dhp_lifting.py']

model = dict(test_cfg=dict(flip_test=True))
test_dataloader = {{_base_.mpi_inf_3dhp}}
test_evaluator = [dict(type='PoseLiftingMetric')]
