"""AFE-CNN on eight synthetic actions; test people are of other sizes and seen from another side. On a CPU."""

_base_ = ['../_base_/models/afe_cnn.py', '../_base_/default_runtime.py']

max_epochs = 8  # 16 iterations each
data_root = 'data/synthetic/ntu_actions/'
synthetic_data = dict(type='SyntheticNTUActions', root=data_root)
layout = 'nturgb+d'

model = dict(
    backbone=dict(widths=(16, 32, 64)),
    cls_head=dict(num_classes=8, in_channels=64),
)

pipeline = dict(
    clean=dict(type='SanitizeSkeleton', num_person=1),
    normalize=dict(type='BodyFrameNormalize', layout=layout),
    # 16 rows for 90 to 150 frames: what is brief is seen if the rows go there.
    frames=dict(type='KeyFrameEnhance', length=16, strength=0.8),
    key=dict(type='KeyJointEnhance', layout=layout),
    bone=dict(type='BoneVectorEnhance', layout=layout),
    motion=dict(type='TemporalEnhance', layout=layout, scales=(1, 4)),
    image=dict(type='SkeletonImageEncode', layout=layout, streams=('key', 'bone', 'motion')),
    pack=dict(
        type='mmaction.PackActionInputs', meta_keys=('frame_dir', 'stream_channels', 'key_times', 'frame_energy')
    ),
)
dataset = dict(
    type='SkeletonActionDataset',
    ann_file=data_root + 'ntu_3d.pkl',
    layout=layout,
    classes=(
        'arm forward slowly', 'arm forward fast', 'arm to the side', 'hand to head', 'low jump', 'high jump',
        'right foot twitches', 'left foot twitches',
    ),
    pipeline=pipeline,
)  # fmt: skip
train_dataloader = dict(
    batch_size=20,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(split='xview_train', **dataset),
)
val_dataloader = dict(
    batch_size=40,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(split='xview_val', test_mode=True, **dataset),
)
test_dataloader = val_dataloader
val_evaluator = [
    dict(type='mmaction.AccMetric'),
    dict(
        type='ChallengingActionMetric',
        groups=dict(speed=(0, 1), direction=(0, 1, 2), jump_height=(4, 5), foot=(6, 7)),
    ),
]
test_evaluator = val_evaluator

optim_wrapper = dict(optimizer=dict(type='AdamW', lr=4e-3, weight_decay=1e-2))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.04, by_epoch=True, begin=0, end=2, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', by_epoch=True, begin=2, T_max=6, eta_min=0, convert_to_iter_based=True),
]
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=max_epochs)
val_cfg = dict()
test_cfg = dict()
default_hooks = dict(logger=dict(interval=16), checkpoint=dict(interval=max_epochs))
visualizer = dict(type='SkeletonActionVisualizer')
inferencer = dict(type='SkeletonActionInferencer')
