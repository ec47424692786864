"""NTU RGB+D 120: as NTU RGB+D, with 120 classes and the protocols xsub and xset."""

_base_ = 'ntu60_3d.py'

ann_file = 'data/skeleton/ntu120_3d.pkl'
train_dataloader = dict(dataset=dict(dataset=dict(ann_file=ann_file, num_classes=120)))
val_dataloader = dict(dataset=dict(ann_file=ann_file, num_classes=120))
test_dataloader = val_dataloader
