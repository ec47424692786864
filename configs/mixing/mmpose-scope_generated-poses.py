"""A config of mmpose's own, in mmpose's scope, trained on poses that the generator of vlplugins makes of few seeds.

``custom_imports`` is all that mmpose needs to know of vlplugins. The data source: 64 frames of one person in the file
that mmpose's converter writes are the seeds of all training poses, new ones in each epoch. Model, codec, packing,
test set and metric are mmpose's; ``SelectJoints`` takes its 17 joints to the 16 of the generator.
"""

_base_ = 'mmpose::body_3d_keypoint/image_pose_lift/h36m/image-pose-lift_tcn_8xb64-200e_h36m.py'

custom_imports = dict(imports=['vlplugins'], allow_failed_imports=False)

# Joints relative to the root, 2D points in units of the picture's width: no statistics of a data set are needed.
lifting = dict(type='VideoPoseLifting', num_keypoints=16, zero_center=True, root_index=0, remove_root=False)
model = dict(
    backbone=dict(in_channels=2 * 16, stem_channels=128, dropout=0.0),
    head=dict(in_channels=128, num_joints=16, loss=dict(type='MPJPELoss'), decoder=dict(_delete_=True, **lifting)),
)

# The set in the layout of mmpose's converter; tools/train.py writes it.
data_root = 'data/synthetic/human36m/'
synthetic_data = dict(type='vlplugins.SyntheticHuman36m', root=data_root, num_frames=20)
pack = [
    dict(type='GenerateTarget', encoder=lifting),
    dict(type='PackPoseInputs', meta_keys=('id', 'category_id', 'target_img_path', 'flip_indices', 'target_root')),
]
train_dataloader = dict(
    batch_size=128,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(
        _delete_=True,
        type='vlplugins.GeneratedPoseDataset',
        seeds=dict(
            type='vlplugins.Human36mLiftingDataset',
            data_root=data_root,
            ann_file='annotation_body3d/fps50/h36m_train.npz',
            camera_param_file='annotation_body3d/cameras.pkl',
            subjects=['S1'],
            num_seeds=64,
        ),
        generator=dict(type='vlplugins.PoseGenerator', propensity=None),
        size=2048,
        pipeline=pack,
    ),
)
val_dataloader = dict(
    batch_size=240,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(
        data_root=data_root,
        camera_param_file='annotation_body3d/cameras.pkl',
        pipeline=[dict(type='vlplugins.SelectJoints'), *pack],
    ),
)
test_dataloader = val_dataloader

max_epochs = 10  # 16 iterations each
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
optim_wrapper = dict(optimizer=dict(lr=3e-3))
param_scheduler = [dict(type='CosineAnnealingLR', by_epoch=True, T_max=max_epochs, convert_to_iter_based=True)]
custom_hooks = [dict(type='vlplugins.PoseRegenerationHook')]
default_hooks = dict(logger=dict(interval=8), checkpoint=dict(interval=max_epochs, save_best=None))
