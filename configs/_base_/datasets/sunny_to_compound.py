"""Daytime-sunny to Dusk-rainy and Night-rainy, mixed; tested apart and together."""

_base_ = 'sunny.py'

train_dataloader = dict(dataset=dict(targets=[{{_base_.dusk_target}}, {{_base_.night_target}}]))
val_dataloader = dict(dataset=dict(type='ConcatDataset', datasets=[{{_base_.dusk_test}}, {{_base_.night_test}}]))
test_dataloader = val_dataloader
val_evaluator = dict(subset_key='subset')
test_evaluator = val_evaluator
