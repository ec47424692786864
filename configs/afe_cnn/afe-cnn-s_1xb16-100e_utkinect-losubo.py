"""A small AFE-CNN on UTKinect-Action3D, subject 0 left out."""

_base_ = 'afe-cnn-s_1xb16-100e_utkinect-loso.py'

train_dataloader = dict(dataset=dict(split='losubo_00_train'))
val_dataloader = dict(dataset=dict(split='losubo_00_val'))
test_dataloader = val_dataloader
