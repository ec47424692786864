"""Batch normalisation over the joined batch of all processes, on any device."""

import torch
from mmengine.dist import get_world_size
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from vlplugins.registry import MODELS
from vlplugins.utils.distributed import all_reduce_with_grad


@MODELS.register_module()
class SyncBatchNorm(_BatchNorm):
    """PyTorch's ``SyncBatchNorm``, which also runs on a CPU.

    PyTorch's layer refuses CPU tensors in a process group, and DistributedDataParallel refuses a model on a CPU that
    holds an instance of it (hence no subclass). There the statistics are summed with two differentiable
    all-reduces (mean first, then the centred squares, which keeps single precision exact enough to equal one process
    on the joined batch). On a GPU the fused kernel of PyTorch runs.

    Shape: ``[N, C, ...] -> [N, C, ...]``; processes may hold different ``N``.
    """

    # Read by PyTorch's forward: all processes.
    process_group = None
    _check_input_dim = nn.SyncBatchNorm._check_input_dim
    _check_non_zero_input_channels = nn.SyncBatchNorm._check_non_zero_input_channels

    def forward(self, inputs: Tensor) -> Tensor:
        """Normalise ``inputs [N, C, ...]`` by the statistics of all processes in train mode, else the running ones."""
        by_batch = self.training or self.running_mean is None
        if inputs.is_cuda or not by_batch or get_world_size() == 1:
            return nn.SyncBatchNorm.forward(self, inputs)
        return self._forward_by_all_reduce(inputs)

    def _forward_by_all_reduce(self, inputs: Tensor) -> Tensor:
        axes = [0, *range(2, inputs.dim())]
        shape = [1, -1] + [1] * (inputs.dim() - 2)
        values = inputs.float()
        local_count = values.new_tensor([values.numel() / values.size(1)])
        totals = all_reduce_with_grad(torch.cat([values.sum(axes), local_count]))
        mean, count = totals[:-1] / totals[-1], totals[-1].detach()
        centred = values - mean.view(shape)
        variance = all_reduce_with_grad(centred.square().sum(axes)) / count
        if self.track_running_stats and self.running_mean is not None:
            self._update_running_statistics(mean.detach(), variance.detach() * count / (count - 1))
        outputs = centred * torch.rsqrt(variance + self.eps).view(shape)
        if self.affine:
            outputs = outputs * self.weight.view(shape) + self.bias.view(shape)
        return outputs.to(inputs.dtype)

    @torch.no_grad()
    def _update_running_statistics(self, mean: Tensor, unbiased_variance: Tensor) -> None:
        self.num_batches_tracked += 1
        momentum = 1.0 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, momentum)
        self.running_var.lerp_(unbiased_variance, momentum)
