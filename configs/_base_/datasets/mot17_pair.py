"""MOT17, one of the three copies of each video (`tools/dataset_converters/mot_to_coco.py`). No pipelines."""

mot17_train = dict(
    type='MOTPairDataset',
    data_root='data/MOT17/',
    ann_file='annotations/train_cocoformat.json',
    data_prefix=dict(img_path='train'),
)
mot17_half_train = dict(mot17_train, ann_file='annotations/half-train_cocoformat.json')
# Objects of all classes: the evaluation takes predictions away that lie on those it does not count.
mot17_half_val = dict(
    type='mmdet.MOTChallengeDataset',
    data_root='data/MOT17/',
    ann_file='annotations/half-val_cocoformat.json',
    data_prefix=dict(img_path='train'),
    test_mode=True,
)
mot17_test = dict(mot17_half_val, ann_file='annotations/test_cocoformat.json', data_prefix=dict(img_path='test'))
