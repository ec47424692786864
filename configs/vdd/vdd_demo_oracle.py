"""The same detector from labelled images of the target: an upper bound."""

_base_ = 'vdd_demo_source_only.py'

train_dataloader = dict(dataset=dict(source=dict(data_root={{_base_.night.data_root}})))
