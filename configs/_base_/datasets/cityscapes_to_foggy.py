"""Cityscapes to Foggy Cityscapes, as tools/dataset_converters/cityscapes_to_voc.py writes them."""

_base_ = 'source_to_target.py'

clear = dict(
    type='CityscapesVOCDataset',
    data_root='data/cityscapes_voc/clear',
    ann_file='ImageSets/Main/train.txt',
    data_prefix=dict(sub_data_root=''),
)
foggy = dict(clear, data_root='data/cityscapes_voc/foggy')

train_dataloader = dict(
    dataset=dict(
        source=dict(clear, filter_cfg=dict(filter_empty_gt=True, min_size=32), pipeline={{_base_.source_pipeline}}),
        targets=[dict(foggy, with_labels=False, pipeline={{_base_.target_pipeline}})],
    )
)
foggy = dict(foggy, ann_file='ImageSets/Main/val.txt')
val_dataloader = dict(dataset=dict(foggy, test_mode=True, pipeline={{_base_.test_pipeline}}))
test_dataloader = val_dataloader
