"""Where targets went: boxes that are refined by what the targets find in crops at them."""

from typing import List, NamedTuple, Optional, Sequence, Tuple

import torch
from mmcv.cnn.bricks import DropPath
from mmengine.model import BaseModule
from torch import Tensor, nn

from vlplugins.models.layers.box_crops import sound_boxes
from vlplugins.models.layers.correlation_attention import CorrelationLayer
from vlplugins.registry import MODELS, TASK_UTILS

ATTENTIONS = ('correlation', 'cross')


class TrackedBoxes(NamedTuple):
    """What each iteration gives: ``boxes [B, N, 4]`` xyxy in pixels, ``features [B, N, C]``, ``scores [B, N]``."""

    boxes: List[Tensor]
    features: List[Tensor]
    scores: Optional[List[Tensor]]


class SearchedTargets(NamedTuple):
    """Boxes of targets in search frames: first guesses ``[B, N, 4]`` in pixels, and what iterations make of them."""

    proposals: Tensor
    tracked: TrackedBoxes


class TargetTransformerLayer(nn.Module):
    """Targets attend to each other, then each to its crop, or to the whole map.

    Args:
        dim: C.
        pool_size: K.
        heads: Heads of the attention.
        feedforward: Width of the two-layer network.
        dropout: Of the attention, and of whole branches of a target.
        attention: ``'correlation'`` or ``'cross'``.
        self_attention: Whether targets attend to each other.
    """

    def __init__(
        self,
        dim: int,
        pool_size: int,
        heads: int,
        feedforward: int,
        dropout: float,
        attention: str,
        self_attention: bool,
    ) -> None:
        super().__init__()
        self.self_attention = nn.MultiheadAttention(dim, heads, dropout, batch_first=True) if self_attention else None
        self.norm1 = nn.LayerNorm(dim) if self_attention else None
        self.correlation = CorrelationLayer(dim, pool_size) if attention == 'correlation' else None
        self.cross = nn.MultiheadAttention(dim, heads, dropout, batch_first=True) if attention == 'cross' else None
        self.feedforward = nn.Sequential(nn.Linear(dim, feedforward), nn.ReLU(), nn.Linear(feedforward, dim))
        self.norm2, self.norm3 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.drop_path = DropPath(dropout)

    def forward(
        self,
        targets: Tensor,
        crops: Optional[Tensor],
        memory: Optional[Tensor],
        real: Tensor,
        padding: Optional[Tensor],
        places: Optional[Tensor] = None,
    ) -> Tensor:
        """New states ``[B, N, C]``.

        Args:
            targets: ``[B, N, C]``.
            crops: ``[B * N, C, K, K]``, for ``attention='correlation'``.
            memory: Places of the map ``[B, H * W, C]``, for ``attention='cross'``.
            real: Booleans ``[B, N]``, false for targets that only fill up a batch.
            padding: Booleans ``[B, H * W]``, true for places that only fill up a frame.
            places: Encoding ``[B, N, C]`` of where the targets are, by which they also find each other.
        """
        if self.self_attention is not None:
            # A frame without targets would have a softmax over nothing.
            ignored = ~real & real.any(dim=1, keepdim=True)
            asked = targets if places is None else targets + places
            found = self.self_attention(asked, asked, targets, key_padding_mask=ignored, need_weights=False)[0]
            targets = self.norm1(targets + self._drop(found))
        if self.correlation is not None:
            found = self.correlation(targets.flatten(0, 1), crops).view_as(targets)
        else:
            found = self.cross(targets, memory, memory, key_padding_mask=padding, need_weights=False)[0]
        targets = self.norm2(targets + self._drop(found))
        return self.norm3(targets + self._drop(self.feedforward(targets)))

    def _drop(self, branch: Tensor) -> Tensor:
        """Leave out the branch of single targets of single frames."""
        return self.drop_path(branch.flatten(0, 1)).view_as(branch)


@MODELS.register_module()
class TargetTransformer(BaseModule):
    """Refines boxes of targets, each iteration on crops at the boxes of the one before (UTT, eq. 8-11).

    An iteration: attention among targets, correlation of each with its crop, a two-layer network, then shifts of the
    box. Iterations share no weights. Boxes keep their gradient from iteration to iteration, but get none from crops.

    Args:
        dim: C.
        num_iterations: L.
        pool_size: K, side of the crops.
        heads: Heads of the attention.
        feedforward: Width of the two-layer networks.
        dropout: Dropout of attention and branches.
        attention: ``'correlation'``, or ``'cross'`` to the whole map, whose cost grows with the frame.
        self_attention: Whether targets attend to each other.
        query_pos: Whether they do so also by a sine encoding of the centres of their boxes, as the paper says; its code
            has none.
        output_score: Whether there are scores.
        detach_boxes: Cut the gradient between iterations.
        crops: Config of :class:`BoxCrops`, without ``dim`` and ``output_size``.
        box_coder: Config of the coder of the shifts.
        init_cfg: As in MMEngine's ``BaseModule``.

    Raises:
        ValueError: an unknown attention, no iteration, or ``query_pos`` without attention among targets, without crops
            (which know the size of a frame), or with a ``dim`` that is no multiple of 4.
    """

    def __init__(
        self,
        dim: int = 256,
        num_iterations: int = 6,
        pool_size: int = 7,
        heads: int = 8,
        feedforward: int = 1024,
        dropout: float = 0.1,
        attention: str = 'correlation',
        self_attention: bool = True,
        query_pos: bool = False,
        output_score: bool = False,
        detach_boxes: bool = False,
        crops: dict = dict(type='vlplugins.BoxCrops'),  # noqa: B006
        box_coder: dict = dict(  # noqa: B006
            type='mmdet.DeltaXYWHBBoxCoder', target_stds=(0.5, 0.5, 1.0, 1.0), clip_border=False
        ),
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        if attention not in ATTENTIONS:
            raise ValueError(f'attention {attention!r} is unknown; expected one of {ATTENTIONS}')
        if num_iterations < 1:
            raise ValueError(f'num_iterations {num_iterations} must be at least 1')
        if query_pos and (not self_attention or attention != 'correlation' or dim % 4):
            raise ValueError(
                "query_pos needs self_attention, attention='correlation' and a dim that 4 divides; "
                f'found {self_attention}, {attention!r} and {dim}'
            )
        self.attention, self.query_pos, self.detach_boxes = attention, query_pos, detach_boxes
        self.layers = nn.ModuleList(
            TargetTransformerLayer(dim, pool_size, heads, feedforward, dropout, attention, self_attention)
            for _ in range(num_iterations)
        )
        self.box_heads = nn.ModuleList(_tower(dim, 4) for _ in range(num_iterations))
        self.score_heads = nn.ModuleList(_tower(dim, 1) for _ in range(num_iterations)) if output_score else None
        self.crops = None
        if attention == 'correlation':
            self.crops = MODELS.build(dict(crops, dim=dim, output_size=pool_size))
        self.box_coder = TASK_UTILS.build(box_coder)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)

    def forward(
        self,
        maps: Sequence[Tensor],
        targets: Tensor,
        boxes: Tensor,
        real: Optional[Tensor] = None,
        level: Optional[int] = None,
        padding: Optional[Tensor] = None,
    ) -> TrackedBoxes:
        """Refine the boxes of N targets of each of B frames; N may be 0.

        Args:
            maps: Pyramid of the frames, ``[B, C, h, w]`` each.
            targets: ``[B, N, C]``.
            boxes: Where to start, xyxy in pixels, ``[B, N, 4]``.
            real: Booleans ``[B, N]``, false for targets that only fill up a batch; all are real by default.
            level: The map that all crops are of; by default each box has that of its size. ``attention='cross'``
                needs it.
            padding: Booleans ``[B, h, w]`` of that map, true for padded places, for ``attention='cross'``.

        Raises:
            ValueError: ``attention='cross'`` without ``level``.
        """
        if self.attention == 'cross' and level is None:
            raise ValueError("attention='cross' attends to one map; give its level")
        real = torch.ones(targets.shape[:2], dtype=torch.bool, device=targets.device) if real is None else real
        memory = maps[level].flatten(2).transpose(1, 2) if self.attention == 'cross' else None
        padding = None if padding is None else padding.flatten(1)
        found: Tuple[List[Tensor], ...] = ([], [], [])
        for index, layer in enumerate(self.layers):
            if targets.size(1):
                crops = None if self.crops is None else self.crops(maps, boxes, level)
                places = self._places(maps[0], boxes) if self.query_pos else None
                targets = layer(targets, crops, memory, real, padding, places)
            boxes = self._shift(boxes.detach() if self.detach_boxes else boxes, self.box_heads[index](targets))
            found[0].append(boxes)
            found[1].append(targets)
            if self.score_heads is not None:
                found[2].append(self.score_heads[index](targets).squeeze(-1))
        return TrackedBoxes(found[0], found[1], found[2] if self.score_heads is not None else None)

    def _places(self, first_map: Tensor, boxes: Tensor) -> Tensor:
        """Encoding ``[B, N, C]`` of the centres of boxes, as shares of the frame."""
        from mmdet.models.layers import coordinate_to_encoding

        height, width = (self.crops.strides[0] * side for side in first_map.shape[-2:])
        centres = (boxes[..., :2] + boxes[..., 2:]).detach().float() / 2 / boxes.new_tensor([width, height])
        return coordinate_to_encoding(centres, first_map.size(1) // 2).to(first_map.dtype)

    def _shift(self, boxes: Tensor, deltas: Tensor) -> Tensor:
        """Boxes moved and scaled by the deltas ``[B, N, 4]``."""
        moved = self.box_coder.decode(sound_boxes(boxes.float()).flatten(0, 1), deltas.float().flatten(0, 1))
        return moved.view_as(boxes)


def _tower(dim: int, outputs: int) -> nn.Sequential:
    layers: List[nn.Module] = []
    for _ in range(3):
        layers += [nn.Linear(dim, dim, bias=False), nn.LayerNorm(dim), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(dim, outputs))
