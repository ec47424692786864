"""CrowdHuman (`tools/dataset_converters/crowdhuman_to_coco.py`): an image is shown twice. No pipeline."""

crowdhuman_train = dict(
    type='CrowdHumanPairDataset',
    data_root='data/crowdhuman/',
    ann_file='annotations/crowdhuman_train.json',
    data_prefix=dict(img_path='train'),
)
