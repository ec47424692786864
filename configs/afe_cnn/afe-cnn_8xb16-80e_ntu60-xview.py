"""AFE-CNN on NTU RGB+D, cross-view: trained on cameras 2 and 3, tested on camera 1."""

_base_ = 'afe-cnn_8xb16-80e_ntu60-xsub.py'

train_dataloader = dict(dataset=dict(dataset=dict(split='xview_train')))
val_dataloader = dict(dataset=dict(split='xview_val'))
test_dataloader = val_dataloader
