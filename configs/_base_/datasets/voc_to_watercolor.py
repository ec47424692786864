"""VOC 2007 and 2012 to Watercolor2k."""

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
painted = dict(voc2007, data_root='data/watercolor', ann_file='ImageSets/Main/train.txt')

train_dataloader = dict(
    dataset=dict(
        source=[
            dict(each, filter_cfg=dict(filter_empty_gt=True, min_size=32), pipeline={{_base_.source_pipeline}})
            for each in voc
        ],
        targets=[dict(painted, with_labels=False, pipeline={{_base_.target_pipeline}})],
    )
)
tested = dict(painted, ann_file='ImageSets/Main/test.txt')
val_dataloader = dict(dataset=dict(tested, test_mode=True, pipeline={{_base_.test_pipeline}}))
test_dataloader = val_dataloader
