"""PoseGU with SemGCN, trained on Human3.6M, tested on 3DPW."""

_base_ = ['posegu_semgcn_50e_h36m.py', '../_base_/datasets/threedpw_lifting.py']

test_dataloader = {{_base_.threedpw}}
test_evaluator = [dict(type='PoseLiftingMetric', eval_joints=[1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15])]
