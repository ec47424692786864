"""Switchable linear probe on the widths that slimclr_demo.py has trained, with all labels, in about ten seconds."""

_base_ = 'slimclr_demo.py'

widths = (1.0, 0.75, 0.5, 0.25)
data_root = {{_base_.data_root}}

model = dict(
    _delete_=True,
    type='SlimmableClassifier',
    data_preprocessor={{_base_.data_preprocessor}},
    backbone={{_base_.model.backbone}},
    head=dict(type='SwitchableLinearHead', in_channels=128, num_classes=10, widths=widths),
)
load_from = 'work_dirs/slimclr_demo/epoch_40.pth'

train_dataloader = dict(
    dataset=dict(
        with_label=True,
        pipeline=[dict(type='LoadImage', color_type='grayscale'), dict(type='PackClassificationInputs')],
    )
)
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='ImageFolderDataset',
        data_root=data_root,
        data_prefix='val',
        test_mode=True,
        pipeline={{_base_.eval_pipeline}},
    )
)
test_dataloader = val_dataloader
val_evaluator = dict(_delete_=True, type='SwitchableAccuracy', topk=(1, 5))
test_evaluator = val_evaluator

optim_wrapper = dict(optimizer=dict(_delete_=True, type='Adam', lr=0.01))
param_scheduler = [dict(type='CosineAnnealingLR', by_epoch=True, T_max=10, convert_to_iter_based=True)]
custom_hooks = [dict(type='EpochSeedHook'), dict(type='FrozenBackboneCheckHook')]
train_cfg = dict(max_epochs=10, val_interval=10)

visualizer = dict(type='ClassificationVisualizer')
inferencer = dict(type='SlimmableInferencer')
