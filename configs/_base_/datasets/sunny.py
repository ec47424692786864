"""Daytime-sunny as source; Dusk-rainy and Night-rainy, unlabelled and as tested, for a scene to choose from."""

_base_ = 'source_to_target.py'

sunny = dict(
    type='WeatherVOCDataset',
    data_root='data/weather/daytime_sunny/VOC2007',
    ann_file='ImageSets/Main/train.txt',
    data_prefix=dict(sub_data_root=''),
)
source = dict(sunny, filter_cfg=dict(filter_empty_gt=True, min_size=32), pipeline={{_base_.source_pipeline}})
dusk = dict(sunny, data_root='data/weather/dusk_rainy/VOC2007', subset='dusk_rainy')
night = dict(sunny, data_root='data/weather/night_rainy/VOC2007', subset='night_rainy')
# The one list of images is for adaptation and for the test, as released.
unlabelled = dict(with_labels=False, pipeline={{_base_.target_pipeline}})
tested = dict(test_mode=True, pipeline={{_base_.test_pipeline}})
dusk_target, night_target = dict(dusk, **unlabelled), dict(night, **unlabelled)
dusk_test, night_test = dict(dusk, **tested), dict(night, **tested)

train_dataloader = dict(dataset=dict(source=source))
