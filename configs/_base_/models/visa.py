"""VISA: graphs of query and video, variational correspondence on three levels, a map of segments; for Charades-CG."""

dim = 512

model = dict(
    type='TemporalGrounder',
    data_preprocessor=dict(type='GroundingDataPreprocessor', num_positions=64),
    query_encoder=dict(
        type='QueryGraphEncoder',
        word_vectors='data/charades_cg/words.npz',
        dim=dim,
        layers=2,
        heads=8,
        role_aware=True,
        freeze_words=True,
    ),
    video_encoder=dict(
        type='VideoGraphEncoder',
        in_channels=1024,
        dim=dim,
        num_positions=64,
        num_coarse=16,
        num_slots=4,
        layers=2,
        heads=8,
    ),
    neck=dict(
        type='VariationalCrossGraphCorrespondence',
        dim=dim,
        match_dim=128,
        levels=('event', 'action', 'atom'),
        variational=True,
        structured=True,
        match_states='context_free',
    ),
    head=dict(
        type='ProposalMapHead',
        dim=dim,
        conv_layers=4,
        kernel=5,
        event_fusion=True,
        loss_map=dict(type='ScaledIoUBCELoss', t_min=0.5, t_max=1.0),
        loss_reg=dict(type='mmdet.SmoothL1Loss', beta=0.1, loss_weight=0.5),
        nms_iou=0.5,
        topk=5,
    ),
    loss_kl=dict(type='DiagonalGaussianKL', free_bits=0.0),
    loss_guide=dict(type='CorrespondenceGuideLoss', loss_weight=0.1),
    alpha=0.5,
    kl_weight=0.0,
)
