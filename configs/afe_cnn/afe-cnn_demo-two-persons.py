"""Two persons whose distance is the class: key joints of the main person tell it."""

_base_ = 'afe-cnn_demo.py'

data_root = 'data/synthetic/ntu_pairs/'
synthetic_data = dict(_delete_=True, type='SyntheticNTUPairs', root=data_root, num_train=160)

model = dict(cls_head=dict(num_classes=2))
changes = dict(
    batch_size=16,
    dataset=dict(
        ann_file=data_root + 'ntu_3d.pkl',
        classes=('near', 'far'),
        pipeline=dict(clean=dict(num_person=2), key=dict(reference='main')),
    ),
)
train_dataloader = changes
val_dataloader = changes
test_dataloader = changes
val_evaluator = [
    dict(type='mmaction.AccMetric', metric_options=dict(top_k_accuracy=dict(topk=(1,)))),
    dict(type='ChallengingActionMetric', groups=dict()),
]
test_evaluator = val_evaluator
