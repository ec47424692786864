"""What a target looks like, and what of it the search frame shows."""

from typing import Optional, Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from vlplugins.registry import MODELS


@MODELS.register_module()
class RoITargetEncoder(BaseModule):
    """Features of targets at their boxes in the reference frame (UTT, Fan et al., CVPR 2022, eq. 2).

    ``LayerNorm(Linear(RoIAlign))``; the paper has the bare RoIAlign, the released code the two layers.

    Args:
        dim: C.
        object_size: Side of the crops.
        crops: Config of :class:`BoxCrops`, without ``dim`` and ``output_size``.
        init_cfg: As in MMEngine's ``BaseModule``.
    """

    def __init__(
        self,
        dim: int = 256,
        object_size: int = 1,
        crops: dict = dict(type='vlplugins.BoxCrops'),  # noqa: B006
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        self.crops = MODELS.build(dict(crops, dim=dim, output_size=object_size))
        self.project, self.norm = nn.Linear(object_size * object_size * dim, dim), nn.LayerNorm(dim)

    def forward(self, maps: Sequence[Tensor], boxes: Tensor, level: Optional[int] = None) -> Tensor:
        """``[B, N, C]`` of boxes ``[B, N, 4]`` xyxy in pixels; ``maps`` and ``level`` as in :class:`BoxCrops`."""
        crops = self.crops(maps, boxes, level).flatten(1)
        return self.norm(self.project(crops)).unflatten(0, boxes.shape[:2])


class TargetDecoderLayer(nn.Module):
    """Attention of targets to the search frame, and a two-layer network; attention among targets before, if asked for.

    Args:
        dim: C.
        heads: Heads of the attention.
        feedforward: Width of the two-layer network.
        dropout: Of the attention and of what is added to the targets.
        self_attention: Whether targets attend to each other first.
    """

    def __init__(self, dim: int, heads: int, feedforward: int, dropout: float, self_attention: bool) -> None:
        super().__init__()
        self.self_attention = nn.MultiheadAttention(dim, heads, dropout, batch_first=True) if self_attention else None
        self.self_norm = nn.LayerNorm(dim) if self_attention else None
        self.cross = nn.MultiheadAttention(dim, heads, dropout, batch_first=True)
        self.feedforward = nn.Sequential(
            nn.Linear(dim, feedforward), nn.ReLU(), nn.Dropout(dropout), nn.Linear(feedforward, dim)
        )
        self.cross_norm, self.norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, targets: Tensor, keys: Tensor, values: Tensor, padding: Optional[Tensor]) -> Tensor:
        """New states ``[B, N, C]`` of targets, by ``keys`` and ``values [B, H * W, C]``."""
        if self.self_attention is not None:
            found = self.self_attention(targets, targets, targets, need_weights=False)[0]
            targets = self.self_norm(targets + self.dropout(found))
        found = self.cross(targets, keys, values, key_padding_mask=padding, need_weights=False)[0]
        targets = self.cross_norm(targets + self.dropout(found))
        return self.norm(targets + self.dropout(self.feedforward(targets)))


@MODELS.register_module()
class TargetDecoder(BaseModule):
    """Enriches targets by the search frame (UTT, Fan et al., CVPR 2022, eq. 3-4).

    Position enters the keys alone: what is found there is told by looks. The paper has one layer without attention
    among targets, the released code six with it, and a last normalisation.

    Args:
        dim: C.
        num_layers: Layers.
        heads: Heads of the attention.
        feedforward: Width of the two-layer networks.
        dropout: Dropout.
        self_attention: Whether targets attend to each other.
        final_norm: Whether a last normalisation follows.
        positional_encoding: Config of the encoding of places, without ``num_feats``.
        init_cfg: As in MMEngine's ``BaseModule``.
    """

    def __init__(
        self,
        dim: int = 256,
        num_layers: int = 1,
        heads: int = 8,
        feedforward: int = 1024,
        dropout: float = 0.1,
        self_attention: bool = False,
        final_norm: bool = False,
        positional_encoding: dict = dict(type='mmdet.SinePositionalEncoding', normalize=True),  # noqa: B006
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        self.layers = nn.ModuleList(
            TargetDecoderLayer(dim, heads, feedforward, dropout, self_attention) for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(dim) if final_norm else nn.Identity()
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)
        self.positions = MODELS.build(dict(positional_encoding, num_feats=dim // 2))

    def forward(self, targets: Tensor, search: Tensor, padding: Optional[Tensor] = None) -> Tensor:
        """New states ``[B, N, C]`` of targets.

        Args:
            targets: ``[B, N, C]``.
            search: ``[B, C, H, W]``.
            padding: Booleans ``[B, H, W]``, true for padded places; none by default.
        """
        if padding is None:
            padding = torch.zeros(len(search), *search.shape[2:], dtype=torch.bool, device=search.device)
        places = self.positions(padding).to(search.dtype)
        values, keys = (each.flatten(2).transpose(1, 2) for each in (search, search + places))
        for layer in self.layers:
            targets = layer(targets, keys, values, padding.flatten(1))
        return self.norm(targets)
