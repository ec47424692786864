"""AFE-CNN on NTU RGB+D 120, cross-setup: even setups are for training."""

_base_ = 'afe-cnn_8xb16-80e_ntu120-xsub.py'

train_dataloader = dict(dataset=dict(dataset=dict(split='xset_train')))
val_dataloader = dict(dataset=dict(split='xset_val'))
test_dataloader = val_dataloader
