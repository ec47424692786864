"""Classifiers that tell the domain of an image, or of each cell of its map, and give a context vector besides."""

from typing import Optional, Sequence, Tuple

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from vlplugins.registry import MODELS


@MODELS.register_module()
class ImageDomainClassifier(BaseModule):
    """Tells the domain of an image from its map; image-level alignment of Saito et al. (CVPR 2019), as VDD has it.

    Blocks of a 3x3 convolution with stride 2, batch normalisation, ReLU and dropout; the mean of the last map over all
    places is the context; a linear layer gives the logits.

    Args:
        in_channels: Channels of the map.
        channels: Channels of the blocks.
        dropout: Share of the activations that are dropped in training.
        num_domains: Logits.
        init_cfg: As in MMEngine's ``BaseModule``; by default the initialisation of PyTorch.
    """

    def __init__(
        self,
        in_channels: int = 1024,
        channels: Sequence[int] = (512, 128, 128),
        dropout: float = 0.5,
        num_domains: int = 2,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        self.num_domains, self.context_channels, self.num_blocks = num_domains, channels[-1], len(channels)
        for index, (width_in, width) in enumerate(zip((in_channels, *channels), channels), start=1):
            self.add_module(f'conv{index}', nn.Conv2d(width_in, width, 3, stride=2, padding=1, bias=False))
            self.add_module(f'bn{index}', nn.BatchNorm2d(width))
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(channels[-1], num_domains)

    def forward(self, inputs: Tensor) -> Tuple[Tensor, Tensor]:
        """Classify maps.

        Args:
            inputs: ``[B, in_channels, h, w]``.

        Returns:
            Logits ``[B, num_domains]`` and context ``[B, channels[-1]]``.

        Raises:
            ValueError: in training, a block leaves one value per channel, which has no variance.
        """
        maps = inputs
        for index in range(1, self.num_blocks + 1):
            maps = getattr(self, f'conv{index}')(maps)
            if self.training and maps.size(0) * maps.size(2) * maps.size(3) == 1:
                raise ValueError(
                    f'feature map too small for batch statistics: {tuple(inputs.shape)} leaves {tuple(maps.shape)} '
                    f'after block {index}; use larger images or several of each domain'
                )
            maps = self.dropout(torch.relu(getattr(self, f'bn{index}')(maps)))
        context = maps.mean(dim=(2, 3))
        return self.fc(context), context

    @staticmethod
    def accuracy(logits: Tensor, domain: int) -> Tensor:
        """Share of the images whose logits are highest for their domain; a scalar."""
        return (logits.argmax(dim=1) == domain).float().mean()


@MODELS.register_module()
class PixelDomainClassifier(BaseModule):
    """Tells the domain at each place of a map by 1x1 convolutions; the local alignment of Saito et al. (CVPR 2019).

    Args:
        in_channels: Channels of the map.
        channels: Channels of the hidden convolutions; the mean of the last of their maps is the context.
        init_std: Deviation of the normal distribution of the weights.
        init_cfg: As in MMEngine's ``BaseModule``.
    """

    def __init__(
        self,
        in_channels: int = 256,
        channels: Sequence[int] = (256, 128),
        init_std: float = 0.01,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        self.num_domains, self.context_channels, self.num_blocks = 2, channels[-1], len(channels)
        widths = (in_channels, *channels, 1)
        for index, (width_in, width) in enumerate(zip(widths, widths[1:]), start=1):
            convolution = nn.Conv2d(width_in, width, 1, bias=False)
            nn.init.normal_(convolution.weight, std=init_std)
            self.add_module(f'conv{index}', convolution)

    def forward(self, inputs: Tensor) -> Tuple[Tensor, Tensor]:
        """Classify places.

        Args:
            inputs: ``[B, in_channels, h, w]``.

        Returns:
            Probability of domain 1 at each place, ``[B, 1, h, w]``, and context ``[B, channels[-1]]``.
        """
        maps = inputs
        for index in range(1, self.num_blocks + 1):
            maps = torch.relu(getattr(self, f'conv{index}')(maps))
        last = getattr(self, f'conv{self.num_blocks + 1}')
        return torch.sigmoid(last(maps)), maps.mean(dim=(2, 3))

    @staticmethod
    def accuracy(probabilities: Tensor, domain: int) -> Tensor:
        """Share of the places that are told right, of probabilities of domain 1; a scalar."""
        return ((probabilities > 0.5) == domain).float().mean()
