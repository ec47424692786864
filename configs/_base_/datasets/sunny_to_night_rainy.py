"""Daytime-sunny to Night-rainy; the target is adapted to and tested on, as released."""

_base_ = 'sunny.py'

train_dataloader = dict(dataset=dict(targets=[{{_base_.night_target}}]))
val_dataloader = dict(dataset={{_base_.night_test}})
test_dataloader = val_dataloader
val_evaluator = dict(class_weights='night_rainy')
test_evaluator = val_evaluator
