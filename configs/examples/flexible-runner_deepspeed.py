"""MMEngine's FlexibleRunner with DeepSpeed (ZeRO stage 2); needs ``pip install deepspeed`` and a GPU.

``bash tools/dist_train.sh configs/examples/flexible-runner_deepspeed.py 2``.
"""

_base_ = 'pose-lifter_human36m.py'

runner_type = 'FlexibleRunner'
strategy = dict(
    type='DeepSpeedStrategy',
    fp16=dict(enabled=False),
    zero_optimization=dict(stage=2, overlap_comm=True, contiguous_gradients=True),
)
optim_wrapper = dict(type='DeepSpeedOptimWrapper')
