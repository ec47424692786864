"""PoseGU with SimpleBaseline on poses of your own: some hundreds are enough for seeds.

The files have ``pose3d [N, 16, 3]`` (metres in camera space), ``pose2d [N, 16, 2]`` (pixels), ``image_size [N, 2]`` and
``camera [N, 9]``, as tools/dataset_converters/pose_lifting_to_npz.py writes them too; subjects and actions if known.
"""

_base_ = 'posegu_simplebaseline_50e_h36m.py'

pipeline = [dict(type='ScreenNormalize'), dict(type='PackLiftingInputs')]
own = dict(_delete_=True, type='PoseLiftingDataset', data_root='data/own_poses/', pipeline=pipeline)
train_dataloader = dict(batch_size=128, dataset=dict(ann_file='train.npz', **own))
val_dataloader = dict(dataset=dict(ann_file='test.npz', test_mode=True, **own))
test_dataloader = val_dataloader
val_evaluator = [dict(type='PoseLiftingMetric')]
test_evaluator = val_evaluator
