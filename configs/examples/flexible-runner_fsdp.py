"""MMEngine's FlexibleRunner with FullyShardedDataParallel: parameters, gradients and optimizer states are divided
among the processes. ``bash tools/dist_train.sh configs/examples/flexible-runner_fsdp.py 2``.
"""

_base_ = 'pose-lifter_human36m.py'

runner_type = 'FlexibleRunner'
strategy = dict(
    type='FSDPStrategy',
    model_wrapper=dict(
        type='MMFullyShardedDataParallel',
        use_orig_params=True,
        # Modules above so many parameters are divided by themselves.
        auto_wrap_policy=dict(type='torch.distributed.fsdp.wrap.size_based_auto_wrap_policy', min_num_params=10000),
    ),
    # One ordinary file on the first process, which every tool here reads.
    state_dict_cfg='full',
)
