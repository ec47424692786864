"""DCIN: two branches with coarse and fine stream, late fusion, consensus between the branches."""

branch = dict(
    type='DilatedContextIntegratedBranch',
    channels=256,
    coarse=dict(type='DilatedContextStream', dilations=(1, 2, 4, 8)),
    fine=dict(type='ContextReasoningIntegration', num_rounds=2),
)
model = dict(
    type='WeaklySupervisedTemporalLocalizer',
    branches=dict(video=dict(in_channels=1024, **branch), text=dict(in_channels=384, **branch)),
    head=dict(type='EmotionActivationHead', num_classes=18, pool=dict(type='TopKPooling', ratio=4)),
    consensus_loss=dict(type='TemporalConsensusLoss', mode='mutual', loss_weight=1.0),
    pseudo_loss=dict(type='ConsensusPseudoLabelLoss', loss_weight=0.5),
    data_preprocessor=dict(type='FeatureSequencePreprocessor'),
)
