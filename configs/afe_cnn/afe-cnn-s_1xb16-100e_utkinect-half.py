"""A small AFE-CNN on UTKinect-Action3D, trained on subjects 1, 3, 5, 7, 9."""

_base_ = 'afe-cnn-s_1xb16-100e_utkinect-loso.py'

train_dataloader = dict(dataset=dict(split='half_train'))
val_dataloader = dict(dataset=dict(split='half_val'))
test_dataloader = val_dataloader
