"""VDD: VOC to Clipart1k, adapted to and tested on all of its images, whose labels are seen in the test alone."""

_base_ = 'vdd_r101_20e_voc2clipart.py'

train_dataloader = dict(dataset=dict(targets={{_base_.targets_all}}))
val_dataloader = dict(dataset=dict(_delete_=True, type='ConcatDataset', datasets={{_base_.tested_all}}))
test_dataloader = val_dataloader
