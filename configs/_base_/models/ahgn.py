"""AHGN: three hierarchies of graphs that the statement steers, and coherence losses on all three."""

model = dict(
    type='VideoLanguageInference',
    data_preprocessor=dict(type='InferenceDataPreprocessor'),
    text_channels=768,
    dim=256,
    input_dropout=0.5,
    statement_encoder=dict(type='StatementGraphEncoder', heads=8, layers=1, structure=True),
    premise_encoder=dict(
        type='PremiseEncoder', video_channels=2048, input_dropout=0.5, modalities=('video', 'subtitle')
    ),
    local_graph=dict(type='LocalInteractionGraph', heads=8, layers=1, adaptive=True, topk=None, cross_modal=True),
    segment_graph=dict(
        type='SegmentRelationGraph', heads=8, layers=2, adaptive=True, evidence=True, topk=None, positions=24
    ),
    statement_graph=dict(type='StatementReasoningGraph', heads=8, layers=2, temporal_edges=True),
    head=dict(
        type='EntailmentHead', verdict='soft_and', loss_cls=dict(type='mmdet.CrossEntropyLoss', use_sigmoid=True)
    ),
    coherence=dict(
        local=dict(type='SegmentAlignmentLoss', temperature=0.1, gather=True, loss_weight=0.1),
        segment=dict(type='ReplacedSegmentLoss', prob=0.3, mode='replace', loss_weight=0.1),
        glob=dict(type='PairCoherenceLoss', margin=1.0, loss_weight=0.5),
    ),
)
# A coherence loss that a schedule has not yet switched on leaves its parameters without gradient.
find_unused_parameters = True
