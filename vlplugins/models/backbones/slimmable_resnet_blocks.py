"""Residual blocks of the slimmable ResNet, with the keys of an ordinary ResNet checkpoint."""

from typing import Optional, Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from vlplugins.models.layers.slimmable import SlimmableBatchNorm, SlimmableConv2d
from vlplugins.models.layers.switchable import SwitchableBatchNorm2d
from vlplugins.models.layers.widths import WidthModule


def build_switchable_norm(
    counts: Sequence[int], widths: Sequence[float], norm_cfg: dict, switchable: bool, overlap: bool
) -> WidthModule:
    """Build the normalisation of ``counts`` channels per width.

    Args:
        counts: Channels for each width.
        widths: The widths, largest first.
        norm_cfg: ``dict(type='BN' | 'SyncBN', eps=..., momentum=..., requires_grad=...)``.
        switchable: One normalisation per width, or one that is cut to the width.
        overlap: Whether widths share their leading channels.

    Raises:
        ValueError: another type, or synchronised statistics without switchable normalisation.
    """
    options = dict(norm_cfg)
    kind = options.pop('type')
    requires_grad = options.pop('requires_grad', True)
    if kind not in ('BN', 'SyncBN'):
        raise ValueError(f"norm_cfg type {kind!r} is unknown; expected 'BN' or 'SyncBN'")
    if switchable:
        norm = SwitchableBatchNorm2d(counts, widths, sync=kind == 'SyncBN', overlap=overlap, **options)
    elif kind == 'BN':
        norm = SlimmableBatchNorm(counts, widths, overlap=overlap, **options)
    else:
        raise ValueError("norm_cfg type 'SyncBN' needs switchable_bn=True")
    return norm.requires_grad_(requires_grad)


class _ResidualBlock(nn.Module):
    """Two or three convolutions, each normalised, added to the input or its projection.

    Args:
        in_counts: Input channels per width.
        out_counts: Output channels per width.
        stride: Stride of the block, in pixels.
        layer_args: ``widths`` and ``overlap`` of the convolutions.
        norm_args: Arguments of :func:`build_switchable_norm` beside the channels.
        zero_init: Start the last normalisation at scale 0, so that the block starts as the identity.
    """

    expansion: int

    def __init__(
        self,
        in_counts: Sequence[int],
        out_counts: Sequence[int],
        stride: int,
        layer_args: dict,
        norm_args: dict,
        zero_init: bool,
    ) -> None:
        super().__init__()
        self._build_branch(in_counts, out_counts, stride, layer_args, norm_args)
        self.downsample: Optional[nn.Sequential] = None
        if stride != 1 or tuple(in_counts) != tuple(out_counts):
            projection = SlimmableConv2d(in_counts, out_counts, 1, stride, bias=False, **layer_args)
            self.downsample = nn.Sequential(projection, build_switchable_norm(out_counts, **norm_args))
        if zero_init:
            last = self.last_norm
            for norm in last.members if isinstance(last, SwitchableBatchNorm2d) else [last]:
                nn.init.zeros_(norm.weight)

    @property
    def last_norm(self) -> WidthModule:
        """The normalisation that ends the residual branch."""
        raise NotImplementedError

    def _build_branch(self, in_counts, out_counts, stride, layer_args, norm_args) -> None:
        raise NotImplementedError

    def _branch(self, maps: Tensor, width: float) -> Tensor:
        raise NotImplementedError

    def forward(self, maps: Tensor, width: float) -> Tensor:
        """``[N, in(width), H, W] -> [N, out(width), H / stride, W / stride]``."""
        identity = maps
        if self.downsample is not None:
            projection, norm = self.downsample
            identity = norm(projection(maps, width), width)
        return F.relu(self._branch(maps, width) + identity, inplace=True)


class SlimmableBasicBlock(_ResidualBlock):
    """Two 3x3 convolutions (ResNet-18 and -34)."""

    expansion = 1

    def _build_branch(self, in_counts, out_counts, stride, layer_args, norm_args) -> None:
        self.conv1 = SlimmableConv2d(in_counts, out_counts, 3, stride, 1, bias=False, **layer_args)
        self.bn1 = build_switchable_norm(out_counts, **norm_args)
        self.conv2 = SlimmableConv2d(out_counts, out_counts, 3, 1, 1, bias=False, **layer_args)
        self.bn2 = build_switchable_norm(out_counts, **norm_args)

    @property
    def last_norm(self) -> WidthModule:
        """The normalisation that ends the residual branch."""
        return self.bn2

    def _branch(self, maps: Tensor, width: float) -> Tensor:
        maps = F.relu(self.bn1(self.conv1(maps, width), width), inplace=True)
        return self.bn2(self.conv2(maps, width), width)


class SlimmableBottleneck(_ResidualBlock):
    """1x1, 3x3 (with the stride) and 1x1 convolutions (ResNet-50 and deeper)."""

    expansion = 4

    def _build_branch(self, in_counts, out_counts, stride, layer_args, norm_args) -> None:
        # A quarter of the block's own output count, so that all layers agree where width * channels is not whole.
        middle = tuple(count // self.expansion for count in out_counts)
        self.conv1 = SlimmableConv2d(in_counts, middle, 1, bias=False, **layer_args)
        self.bn1 = build_switchable_norm(middle, **norm_args)
        self.conv2 = SlimmableConv2d(middle, middle, 3, stride, 1, bias=False, **layer_args)
        self.bn2 = build_switchable_norm(middle, **norm_args)
        self.conv3 = SlimmableConv2d(middle, out_counts, 1, bias=False, **layer_args)
        self.bn3 = build_switchable_norm(out_counts, **norm_args)

    @property
    def last_norm(self) -> WidthModule:
        """The normalisation that ends the residual branch."""
        return self.bn3

    def _branch(self, maps: Tensor, width: float) -> Tensor:
        maps = F.relu(self.bn1(self.conv1(maps, width), width), inplace=True)
        maps = F.relu(self.bn2(self.conv2(maps, width), width), inplace=True)
        return self.bn3(self.conv3(maps, width), width)
