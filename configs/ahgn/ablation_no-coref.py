"""Ablation: pronouns join no events."""

_base_ = 'ahgn_bert-r101_b64-20e_violin.py'

# The step before the last.
graph = dict(type='LoadStatementGraph', max_events=6, max_atoms=16, coref=False)
train_pipeline = [*_base_.train_pipeline[:-2], graph, _base_.train_pipeline[-1]]
test_pipeline = [*_base_.test_pipeline[:-2], graph, _base_.test_pipeline[-1]]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
