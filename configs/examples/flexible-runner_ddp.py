"""MMEngine's FlexibleRunner with the strategy of DistributedDataParallel; runs on CPU processes too.

A strategy other than ``SingleDeviceStrategy`` needs a launcher, with one process as well:
``bash tools/dist_train.sh configs/examples/flexible-runner_ddp.py 2``.

Its checkpoints hold the wrapper with the model (names begin with ``module.``), which MMEngine strips on loading.
"""

_base_ = 'pose-lifter_human36m.py'

runner_type = 'FlexibleRunner'
strategy = dict(
    type='DDPStrategy',
    # The strategy would name a GPU. Without the names each process uses its current one, or the CPU.
    model_wrapper=dict(type='MMDistributedDataParallel', broadcast_buffers=False, device_ids=None),
)
