"""PoseGU with VideoPose of one frame, trained on Human3.6M, tested on MPI-INF-3DHP."""

_base_ = ['posegu_videopose_50e_h36m.py']

model = dict(test_cfg=dict(flip_test=True))
test_dataloader = dict(
    batch_size=1024,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(
        _delete_=True,
        type='MPIINF3DHPLiftingDataset',
        ann_file='data/mpi_inf_3dhp/test_3dhp.npz',
        test_mode=True,
        pipeline=[dict(type='ScreenNormalize'), dict(type='PackLiftingInputs')],
    ),
)
test_evaluator = [dict(type='PoseLiftingMetric')]
