"""VOC 2007 and 2012 to Clipart1k: adapted to its training half, tested on the other."""

_base_ = 'source_to_target.py'

classes = (
    'aeroplane',
    'bicycle',
    'bird',
    'boat',
    'bottle',
    'bus',
    'car',
    'cat',
    'chair',
    'cow',
    'diningtable',
    'dog',
    'horse',
    'motorbike',
    'person',
    'pottedplant',
    'sheep',
    'sofa',
    'train',
    'tvmonitor',
)
voc2007 = dict(
    type='WatercolorDataset',
    metainfo=dict(classes=classes),
    data_root='data/VOCdevkit/VOC2007',
    ann_file='ImageSets/Main/trainval.txt',
    data_prefix=dict(sub_data_root=''),
    unknown_class='skip',
)
voc = [voc2007, dict(voc2007, data_root='data/VOCdevkit/VOC2012')]
painted = dict(voc2007, data_root='data/clipart', ann_file='ImageSets/Main/train.txt')

train_dataloader = dict(
    dataset=dict(
        source=[
            dict(each, filter_cfg=dict(filter_empty_gt=True, min_size=32), pipeline={{_base_.source_pipeline}})
            for each in voc
        ],
        targets=[dict(painted, with_labels=False, pipeline={{_base_.target_pipeline}})],
    )
)
halves = [painted, dict(painted, ann_file='ImageSets/Main/test.txt')]
# For the protocol that adapts to and tests on all images.
targets_all = [dict(each, with_labels=False, pipeline={{_base_.target_pipeline}}) for each in halves]
tested_all = [dict(each, test_mode=True, pipeline={{_base_.test_pipeline}}) for each in halves]
val_dataloader = dict(dataset=tested_all[1])
test_dataloader = val_dataloader
