"""Patches of an image, embedded one by one, and transformer blocks over them."""

from typing import Optional, Tuple

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from vlplugins.models.layers.clip_block import CLIPBlocks
from vlplugins.registry import MODELS


@MODELS.register_module()
class PatchEncoder(BaseModule):
    """A small image encoder: two linear layers on each patch, then pre-norm transformer blocks.

    ``embed`` and ``encode`` are its two halves, between which patches can be left out (:class:`ReencodeValue`).

    Args:
        patch_size: Side of a patch in pixels.
        hidden: Width between the linear layers.
        width: D.
        depth: Blocks; with 0 a patch sees no other.
        heads: Heads of their attention.
        grid: Rows and columns of patches, for learned positions; ``None``: there are none.
        in_channels: Channels of the image.
        init_cfg: MMEngine initialisation.
    """

    def __init__(
        self,
        patch_size: int = 16,
        hidden: int = 128,
        width: int = 64,
        depth: int = 0,
        heads: int = 4,
        grid: Optional[Tuple[int, int]] = None,
        in_channels: int = 3,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        self.patches = nn.Conv2d(in_channels, hidden, patch_size, patch_size)
        self.project = nn.Sequential(nn.GELU(), nn.Conv2d(hidden, width, 1))
        self.blocks = CLIPBlocks(width, depth, heads)
        self.position = None if grid is None else nn.Parameter(torch.zeros(grid[0] * grid[1], width))
        self.out_channels = width

    def embed(self, image: Tensor) -> Tensor:
        """Patches ``[B, D, rows, columns]`` of images ``[B, C, H, W]``, which see nothing of each other."""
        return self.project(self.patches(image))

    def encode(self, patches: Tensor) -> Tensor:
        """Features ``[B, n, D]`` of embedded patches ``[B, n, D]``, row-major."""
        return self.blocks(patches if self.position is None else patches + self.position)

    def forward(self, image: Tensor) -> Tuple[Tensor]:
        """The feature map ``[B, D, rows, columns]`` of images ``[B, C, H, W]``."""
        patches = self.embed(image)
        features = self.encode(patches.flatten(2).transpose(1, 2))
        return (features.transpose(1, 2).unflatten(2, patches.shape[-2:]),)
