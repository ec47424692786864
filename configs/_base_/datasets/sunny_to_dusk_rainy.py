"""Daytime-sunny to Dusk-rainy; the target is adapted to and tested on, as released."""

_base_ = 'source_to_target.py'

sunny = dict(
    type='WeatherVOCDataset',
    data_root='data/weather/daytime_sunny/VOC2007',
    ann_file='ImageSets/Main/train.txt',
    data_prefix=dict(sub_data_root=''),
)
source = dict(sunny, filter_cfg=dict(filter_empty_gt=True, min_size=32), pipeline={{_base_.source_pipeline}})
dusk = dict(sunny, data_root='data/weather/dusk_rainy/VOC2007', subset='dusk_rainy')

train_dataloader = dict(
    dataset=dict(source=source, targets=[dict(dusk, with_labels=False, pipeline={{_base_.target_pipeline}})])
)
val_dataloader = dict(dataset=dict(dusk, test_mode=True, pipeline={{_base_.test_pipeline}}))
test_dataloader = val_dataloader
val_evaluator = dict(class_weights='dusk_rainy')
test_evaluator = val_evaluator
