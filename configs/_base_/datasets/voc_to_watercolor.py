"""VOC 2007 and 2012 to Watercolor2k."""

_base_ = 'voc_to_paintings.py'

train_dataloader = dict(dataset=dict(targets=[{{_base_.watercolor_target}}]))
val_dataloader = dict(dataset={{_base_.watercolor_test}})
test_dataloader = val_dataloader
