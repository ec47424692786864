"""Daytime-sunny to Dusk-rainy and Night-rainy, mixed; tested apart and together."""

_base_ = 'source_to_target.py'

sunny = dict(
    type='WeatherVOCDataset',
    data_root='data/weather/daytime_sunny/VOC2007',
    ann_file='ImageSets/Main/train.txt',
    data_prefix=dict(sub_data_root=''),
)
source = dict(sunny, filter_cfg=dict(filter_empty_gt=True, min_size=32), pipeline={{_base_.source_pipeline}})
scenes = [dict(sunny, data_root=f'data/weather/{name}/VOC2007', subset=name) for name in ('dusk_rainy', 'night_rainy')]

train_dataloader = dict(
    dataset=dict(
        source=source,
        targets=[dict(scene, with_labels=False, pipeline={{_base_.target_pipeline}}) for scene in scenes],
    )
)
val_dataloader = dict(
    dataset=dict(
        type='ConcatDataset',
        datasets=[dict(scene, test_mode=True, pipeline={{_base_.test_pipeline}}) for scene in scenes],
    )
)
test_dataloader = val_dataloader
val_evaluator = dict(subset_key='subset')
test_evaluator = val_evaluator
