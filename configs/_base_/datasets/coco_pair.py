"""COCO 2017: a record is an object of an image, which is shown several times. No pipeline, see `sot_clips.py`."""

coco_train = dict(
    type='CocoPairDataset',
    data_root='data/coco/',
    ann_file='annotations/instances_train2017.json',
    data_prefix=dict(img_path='train2017'),
)
