"""20 epochs of SGD, ten times less in the 6th, 12th and 18th; no decay of biases, no warm-up; as released."""

_base_ = '../default_runtime.py'

optim_wrapper = dict(
    constructor='GroupedOptimWrapperConstructor',
    optimizer=dict(type='SGD', lr=1e-3, momentum=0.9, weight_decay=1e-4),
    # Biases of normalisation have no decay either, its weights have: so the rule for normalisation is not given.
    paramwise_cfg=dict(
        bias_decay_mult=0.0,
        groups=dict(invariant=['decomposer', 'specific_classifier', 'roi_head.invariant'], shared='rest'),
    ),
)
param_scheduler = [dict(type='MultiStepLR', milestones=[5, 11, 17], gamma=0.1, by_epoch=True)]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=20, val_interval=1)
val_cfg = dict()
test_cfg = dict()
# For several processes; a stage leaves the parameters of other groups without gradient.
model_wrapper_cfg = dict(type='StagedDistributedDataParallel', find_unused_parameters=True)
auto_scale_lr = dict(enable=False, base_batch_size=2)
visualizer = dict(type='DecompositionVisualizer')
inferencer = dict(type='DomainAdaptiveDetInferencer')
