"""VDD with a compound target: dusk and night, mixed without saying which is which."""

_base_ = 'vdd_demo.py'

train_dataloader = dict(dataset=dict(targets=[{{_base_.night_target}}, {{_base_.dusk_target}}]))
