"""The test set of MPI-INF-3DHP.

A config that is trained on another set takes ``mpi_inf_3dhp`` as its ``test_dataloader``.
"""

mpi_inf_3dhp = dict(
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
