"""PoseGU with SemGCN, trained on Human3.6M, tested on 3DPW."""

_base_ = ['posegu_semgcn_50e_h36m.py']

test_dataloader = dict(
    batch_size=1024,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(
        _delete_=True,
        type='ThreeDPWLiftingDataset',
        ann_file='data/3dpw/sequenceFiles/test',
        test_mode=True,
        pipeline=[dict(type='ScreenNormalize'), dict(type='PackLiftingInputs')],
    ),
)
test_evaluator = [dict(type='PoseLiftingMetric', eval_joints=[1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15])]
