"""Division of a map into what domains share and what is peculiar to one of them."""

from typing import NamedTuple, Optional

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from vlplugins.registry import MODELS


class DecomposedFeature(NamedTuple):
    """Maps ``[B, C, h, w]`` with ``invariant + specific == base``."""

    base: Tensor
    invariant: Tensor
    specific: Tensor


@MODELS.register_module()
class VectorDecomposition(BaseModule):
    """A small convolutional extractor gives the domain-invariant part of a map; what remains is domain-specific.

    VDD (Wu et al., ICCV 2021). Convolutions with bias, each with normalisation; ReLU and dropout between them, none
    after the last, so that both parts take both signs. The specific part is the difference and has no parameters of
    its own; gradients of both parts reach the extractor and the map.

    Args:
        in_channels: Channels of the map and of its parts.
        mid_channels: Channels between the convolutions.
        num_convs: Convolutions.
        kernel_size: Size of their kernels, odd.
        dropout: Share of the activations that are dropped in training, element by element.
        norm_cfg: Normalisation, as mmcv's ``build_norm_layer`` takes it.
        identity: No extractor: all of the map is invariant, and the specific part is 0.
        init_cfg: As in MMEngine's ``BaseModule``; by default the initialisation of PyTorch.

    Raises:
        ValueError: an even kernel, or no convolution.
    """

    def __init__(
        self,
        in_channels: int = 1024,
        mid_channels: int = 512,
        num_convs: int = 3,
        kernel_size: int = 5,
        dropout: float = 0.5,
        norm_cfg: Optional[dict] = None,
        identity: bool = False,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        if num_convs < 1 or kernel_size % 2 == 0:
            raise ValueError(
                f'found num_convs {num_convs} and kernel_size {kernel_size}; expected at least 1 and an odd number'
            )
        from mmcv.cnn import build_norm_layer

        self.in_channels, self.identity = in_channels, identity
        layers = []
        widths = (in_channels, *[mid_channels] * (num_convs - 1), in_channels)
        for index, (width_in, width) in enumerate(zip(widths, widths[1:])):
            layers.append(nn.Conv2d(width_in, width, kernel_size, padding=kernel_size // 2))
            layers.append(build_norm_layer(norm_cfg or dict(type='BN'), width)[1])
            if index < num_convs - 1:
                layers += [nn.ReLU(inplace=True), nn.Dropout(dropout)]
        self.layers = nn.Sequential() if identity else nn.Sequential(*layers)

    def forward(self, base: Tensor) -> DecomposedFeature:
        """Divide a map ``[B, in_channels, h, w]``."""
        if self.identity:
            return DecomposedFeature(base, base, torch.zeros_like(base))
        invariant = self.layers(base)
        return DecomposedFeature(base, invariant, base - invariant)
