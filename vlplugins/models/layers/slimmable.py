"""Layers whose sub-networks share one weight tensor: slimmable convolution, linear layer and batch normalisation."""

from typing import Optional, Sequence, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlplugins.models.layers.widths import Channels, WidthModule, channel_ranges, scale_channels
from vlplugins.registry import MODELS


class _SlicedWeight(WidthModule):
    """Slices ``weight [out, in, ...]`` and ``bias [out]`` to the channels of a width.

    Activations are not rescaled by the width: the normalisation layer that follows has its own statistics per width.
    """

    def __init__(self, in_channels: Channels, out_channels: Channels, widths: Sequence[float], overlap: bool) -> None:
        super().__init__(widths)
        name = type(self).__name__
        self.in_counts = scale_channels(in_channels, self.widths, f'{name} input')
        self.out_counts = scale_channels(out_channels, self.widths, f'{name} output')
        self.in_ranges = channel_ranges(self.in_counts, overlap)
        self.out_ranges = channel_ranges(self.out_counts, overlap)

    def parameters_at(self, width: Optional[float] = None) -> int:
        """Size of the slices of weight and bias."""
        weight, bias = self._sliced(self.weight, self.bias, width)
        return weight.numel() + (0 if bias is None else bias.numel())

    def _sliced(
        self, weight: Tensor, bias: Optional[Tensor], width: Optional[float]
    ) -> Tuple[Tensor, Optional[Tensor]]:
        index = self.width_index(width)
        if index == 0:
            return weight, bias
        rows, columns = self.out_ranges[index], self.in_ranges[index]
        return weight[rows, columns], None if bias is None else bias[rows]


@MODELS.register_module()
class SlimmableConv2d(_SlicedWeight):
    """2D convolution that keeps the leading channels of its weight at each width (SlimCLR, sec. 3).

    Args:
        in_channels: Input channels of the full network, scaled to ``int(in_channels * width)``; or one count per
            width, largest first, for a side that does not scale (the image).
        out_channels: Output channels, in the same way.
        kernel_size: Side of the square kernel, in pixels.
        stride: Stride, in pixels.
        padding: Zero padding on each side, in pixels.
        groups: Groups of the convolution. The channel counts of every width must be multiples of it.
        bias: Whether to add a bias.
        widths: The widths, in any order.
        overlap: Whether widths share their leading channels; ``False`` gives them disjoint ranges (ablation).

    Raises:
        ValueError: wrong widths, a width without channels, or channel counts that ``groups`` does not divide.
    """

    def __init__(
        self,
        in_channels: Channels,
        out_channels: Channels,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
        bias: bool = True,
        widths: Sequence[float] = (1.0, 0.75, 0.5, 0.25),
        overlap: bool = True,
    ) -> None:
        super().__init__(in_channels, out_channels, widths, overlap)
        if groups > 1:
            for width, *counts in zip(self.widths, self.in_counts, self.out_counts):
                if any(count % groups for count in counts):
                    raise ValueError(f'groups={groups} does not divide the channels {counts} of width {width}')
            if not overlap:
                raise ValueError(f'groups={groups} needs overlap=True: disjoint ranges cut through groups')
            # The input side of the weight holds the channels of one group.
            self.in_ranges = tuple(slice(0, count // groups) for count in self.in_counts)
        self.stride, self.padding, self.groups = stride, padding, groups
        self._subsamples = kernel_size == 1 and stride > 1 and padding == 0
        shape = (self.out_counts[0], self.in_counts[0] // groups, kernel_size, kernel_size)
        self.weight = nn.Parameter(torch.empty(shape))
        self.bias = nn.Parameter(torch.empty(shape[0])) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Kaiming normal over the fan-out of the full weight, as for an ordinary ResNet; bias 0."""
        nn.init.kaiming_normal_(self.weight, mode='fan_out', nonlinearity='relu')
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, inputs: Tensor, width: Optional[float] = None) -> Tensor:
        """Convolve ``inputs [N, c_in(width), H, W]`` to ``[N, c_out(width), H', W']``."""
        weight, bias = self._sliced(self.weight, self.bias, width)
        stride = self.stride
        if self._subsamples and inputs.device.type == 'cpu':
            # oneDNN writes past its workspace in the backward pass of a strided 1x1 convolution of few channels that
            # lie innermost in memory (uxlfoundation/oneDNN#6035); to drop the unused pixels first is the same sum.
            inputs, stride = inputs[..., ::stride, ::stride], 1
        return F.conv2d(inputs, weight, bias, stride, self.padding, 1, self.groups)

    def extra_repr(self) -> str:
        """Channel counts per width."""
        return f'{self.in_counts} -> {self.out_counts}, kernel={tuple(self.weight.shape[2:])}, stride={self.stride}'


@MODELS.register_module()
class SlimmableLinear(_SlicedWeight):
    """Linear layer that keeps the leading features of its weight at each width.

    Args:
        in_features: Input features, scaled as the channels of :class:`SlimmableConv2d`.
        out_features: Output features, likewise; one count per width for an output that does not scale.
        bias: Whether to add a bias.
        widths: The widths, in any order.
        overlap: As in :class:`SlimmableConv2d`.
        init_std: Standard deviation of the normal initialisation (bias 0). ``None`` keeps PyTorch's default.
    """

    def __init__(
        self,
        in_features: Channels,
        out_features: Channels,
        bias: bool = True,
        widths: Sequence[float] = (1.0, 0.75, 0.5, 0.25),
        overlap: bool = True,
        init_std: Optional[float] = 0.01,
    ) -> None:
        super().__init__(in_features, out_features, widths, overlap)
        # An ordinary layer of the full size supplies PyTorch's default initialisation of weight and bias.
        full = nn.Linear(self.in_counts[0], self.out_counts[0], bias=bias)
        self.weight, self.bias = full.weight, full.bias
        if init_std is not None:
            nn.init.normal_(self.weight, std=init_std)
            if bias:
                nn.init.zeros_(self.bias)

    def forward(self, inputs: Tensor, width: Optional[float] = None) -> Tensor:
        """Map ``inputs [..., in(width)]`` to ``[..., out(width)]``."""
        weight, bias = self._sliced(self.weight, self.bias, width)
        return F.linear(inputs, weight, bias)

    def extra_repr(self) -> str:
        """Feature counts per width."""
        return f'{self.in_counts} -> {self.out_counts}'


@MODELS.register_module()
class SlimmableBatchNorm(WidthModule):
    """Batch normalisation with one set of statistics, sliced to the channels of a width.

    This is the ablation that shows why slimmable networks need :class:`SwitchableBatchNorm2d`: the running statistics
    mix the widths, and fit none of the narrow ones. Works on ``[N, C]`` and ``[N, C, H, W]``.

    Args:
        num_features: Channels of the full network, or one count per width.
        widths: The widths, in any order.
        eps: Added to the variance.
        momentum: Share of the new value in the running statistics.
        overlap: As in :class:`SlimmableConv2d`.
    """

    def __init__(
        self,
        num_features: Channels,
        widths: Sequence[float],
        eps: float = 1e-5,
        momentum: float = 0.1,
        overlap: bool = True,
    ) -> None:
        super().__init__(widths)
        counts = scale_channels(num_features, self.widths, type(self).__name__)
        self.ranges = channel_ranges(counts, overlap)
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(counts[0]))
        self.bias = nn.Parameter(torch.zeros(counts[0]))
        self.register_buffer('running_mean', torch.zeros(counts[0]))
        self.register_buffer('running_var', torch.ones(counts[0]))

    def parameters_at(self, width: Optional[float] = None) -> int:
        """Size of the slices of scale and shift."""
        return 2 * self.weight[self.ranges[self.width_index(width)]].numel()

    def forward(self, inputs: Tensor, width: Optional[float] = None) -> Tensor:
        """Normalise ``inputs [N, c(width), ...]``; in train mode the slices of the running statistics are updated."""
        part = self.ranges[self.width_index(width)]
        return F.batch_norm(
            inputs,
            self.running_mean[part],
            self.running_var[part],
            self.weight[part],
            self.bias[part],
            self.training,
            self.momentum,
            self.eps,
        )
