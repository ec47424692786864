"""VOC 2007 and 2012 as source; Comic2k and Watercolor2k, unlabelled and as tested, for the config of a scene to choose.

The six classes are those that both sets of paintings have.
"""

_base_ = 'source_to_target.py'

classes = ('bicycle', 'bird', 'car', 'cat', 'dog', 'person')
voc2007 = dict(
    type='WatercolorDataset',
    metainfo=dict(classes=classes),
    data_root='data/VOCdevkit/VOC2007',
    ann_file='ImageSets/Main/trainval.txt',
    data_prefix=dict(sub_data_root=''),
    # VOC has further classes.
    unknown_class='skip',
)
voc = [voc2007, dict(voc2007, data_root='data/VOCdevkit/VOC2012')]
comic = dict(voc2007, data_root='data/comic', ann_file='ImageSets/Main/train.txt')
watercolor = dict(comic, data_root='data/watercolor')
unlabelled = dict(with_labels=False, pipeline={{_base_.target_pipeline}})
tested = dict(ann_file='ImageSets/Main/test.txt', test_mode=True, pipeline={{_base_.test_pipeline}})
comic_target, watercolor_target = dict(comic, **unlabelled), dict(watercolor, **unlabelled)
comic_test, watercolor_test = dict(comic, **tested), dict(watercolor, **tested)

train_dataloader = dict(
    dataset=dict(
        source=[
            dict(each, filter_cfg=dict(filter_empty_gt=True, min_size=32), pipeline={{_base_.source_pipeline}})
            for each in voc
        ],
    )
)
