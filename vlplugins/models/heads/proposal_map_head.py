"""Scores of all segments of a video, from what corresponds to a query in each."""

from typing import Dict, List, NamedTuple, Optional, Sequence

import torch
from mmengine.model import BaseModule
from mmengine.structures import InstanceData
from torch import Tensor, nn

from vlplugins.evaluation.functional.temporal import temporal_nms
from vlplugins.models.layers.graph_levels import GraphLevels, States
from vlplugins.models.layers.masked_softmax import masked_softmax
from vlplugins.models.layers.proposal_map import (
    MaskedConv2d,
    proposal_bounds,
    proposal_iou,
    proposal_lengths,
    segment_sum,
)
from vlplugins.models.necks.cross_graph_correspondence import Comparison
from vlplugins.registry import MODELS
from vlplugins.structures.sentence_graph import LEVELS

# The event of a segment; mean and minimum of the mass inside, and mean density, of actions; the same of atoms.
_NUM_STATISTICS = 7


class SegmentMap(NamedTuple):
    """Logits ``[B, P, P]`` of all segments, shifts ``[B, P, P, 2]`` of their bounds, and ``mask [P, P]``."""

    logits: Tensor
    shifts: Tensor
    mask: Tensor


@MODELS.register_module()
class ProposalMapHead(BaseModule):
    """A map of all segments, after 2D-TAN (Zhang et al., AAAI 2020), whose features are correspondences.

    Of a segment: the product of the states of the events of query and video; for actions and atoms the products of the
    states that correspond inside of it, weighted by how much a node matters; and seven statistics, among them the
    least mass that any node has inside, as a composition is there only where all of its parts are. Convolutions that
    ignore what is no segment follow, then a score and shifts of both bounds.

    Args:
        dim: Width of the nodes and of the map.
        levels: Those that are matched.
        conv_layers: Convolutions of the map.
        kernel: Their size, odd.
        event_fusion: Whether the states of the events take part; otherwise correspondences alone decide.
        loss_map: Config of the loss of the scores.
        loss_reg: Config of the loss of the shifts.
        reg_iou: Overlap with the truth from which the shifts of a segment are trained; at least those of the best one.
        nms_iou: Overlap from which the weaker of two segments is dropped.
        topk: Segments that are returned, at most.
        init_cfg: MMEngine initialisation.

    Raises:
        ValueError: nothing that a map could be made of, ``topk`` below 1, or an even kernel.
    """

    def __init__(
        self,
        dim: int,
        levels: Sequence[str] = LEVELS,
        conv_layers: int = 4,
        kernel: int = 5,
        event_fusion: bool = True,
        loss_map: dict = dict(type='vlplugins.ScaledIoUBCELoss'),  # noqa: B006
        loss_reg: dict = dict(type='mmdet.SmoothL1Loss', beta=0.1, loss_weight=0.5),  # noqa: B006
        reg_iou: float = 0.5,
        nms_iou: float = 0.5,
        topk: int = 5,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        if not levels and not event_fusion:
            raise ValueError('levels=() and event_fusion=False leave nothing for a map')
        if topk < 1:
            raise ValueError(f'topk {topk} must be at least 1')
        self.levels = tuple(level for level in LEVELS if level in levels)
        self.local_levels = tuple(level for level in self.levels if level != 'event')
        self.event_fusion, self.reg_iou, self.nms_iou, self.topk = event_fusion, reg_iou, nms_iou, topk
        self.statistics = nn.Linear(_NUM_STATISTICS, dim)
        # One matrix over the joined parts is a sum of one for each; the first has the bias.
        parts = ['statistics', *(['event'] if event_fusion else []), *self.local_levels]
        self.fuse = nn.ModuleDict({name: nn.Linear(dim, dim, bias=name == 'statistics') for name in parts})
        self.importance = nn.ModuleDict({level: nn.Linear(dim, 1, bias=False) for level in self.local_levels})
        self.norm = nn.LayerNorm(dim)
        self.convs = nn.ModuleList([MaskedConv2d(dim, kernel) for _ in range(conv_layers)])
        self.predict_map = nn.Conv2d(dim, 3, 1)
        self.loss_map, self.loss_reg = MODELS.build(loss_map), MODELS.build(loss_reg)

    def forward(self, query: GraphLevels, video: GraphLevels, comparison: Comparison, matrices: States) -> SegmentMap:
        """Score all segments of B videos of P positions.

        Args:
            query: Nodes of the queries.
            video: Nodes of the videos.
            comparison: The states that were matched, and the pairs that exist.
            matrices: Correspondences ``[B, M, N]``, by level.
        """
        mask = video.masks['event']
        size = mask.size(0)
        statistics = self._statistics(matrices, query.masks, mask)
        found = self.fuse['statistics'](self.statistics(statistics))
        if self.event_fusion:
            found = found + self.fuse['event'](video.reasoned['event'] * query.reasoned['event'][:, :, None])
        for level in self.local_levels:
            real = query.masks[level]
            weights = masked_softmax(self.importance[level](query.reasoned[level])[..., 0], real)
            states = comparison.query[level]
            expected = (weights[..., None] * matrices[level]).to(states.dtype).transpose(1, 2) @ states
            agreement = (expected * comparison.video[level]).unflatten(1, (size, -1)).sum(dim=2)
            found = found + self.fuse[level](segment_sum(agreement))
        features = self.norm(found.relu()) * mask[..., None]
        features = features.permute(0, 3, 1, 2)
        for conv in self.convs:
            features = conv(features, mask).relu()
        logits, *shifts = self.predict_map(features).float().unbind(dim=1)
        return SegmentMap(logits, torch.stack(shifts, dim=-1), mask)

    def _statistics(self, matrices: States, masks: States, mask: Tensor) -> Tensor:
        """Seven numbers ``[B, P, P, 7]`` of each segment; zero for levels that are off, or have no node."""
        size = mask.size(0)
        nothing = torch.zeros(len(masks['event']), size, size, device=mask.device)
        columns = [nothing]
        if 'event' in matrices:
            columns = [matrices['event'][:, 0].unflatten(-1, (size, size)) * mask.sum()]
        density = size / proposal_lengths(size, mask.device)
        for level in LEVELS[1:]:
            if level not in matrices:
                columns += [nothing] * 3
                continue
            real = masks[level]
            inside = segment_sum(evidence_of(matrices[level], size).transpose(1, 2))
            count = real.sum(dim=1).clamp(min=1)[:, None, None]
            mean = (inside * real[:, None, None]).sum(dim=-1) / count
            least = inside.masked_fill(~real[:, None, None], torch.inf).amin(dim=-1)
            least = torch.where(real.any(dim=1)[:, None, None], least, 0.0)
            columns += [mean, least, mean * density]
        return torch.stack(columns, dim=-1) * mask[..., None]

    def loss(self, found: SegmentMap, truth: Tensor) -> Dict[str, Tensor]:
        """``loss_map`` and ``loss_reg`` of a map, given the true segments ``[B, 2]`` as shares of their videos.

        Both are means over what is selected in the whole batch: two processes give the losses of one only where both
        have as many.
        """
        size = found.mask.size(0)
        ious = proposal_iou(truth, size) * found.mask
        losses = dict(loss_map=self.loss_map(found.logits, ious, found.mask))
        selected = (ious >= self.reg_iou) & found.mask
        best = torch.zeros_like(ious.flatten(1)).scatter_(1, ious.flatten(1).argmax(dim=1, keepdim=True), 1.0)
        chosen = torch.where(selected.flatten(1).any(dim=1)[:, None, None], selected.float(), best.view_as(ious))
        weight = chosen[..., None].expand(*chosen.shape, 2)
        targets = truth[:, None, None] - proposal_bounds(size, truth.device)
        losses['loss_reg'] = self.loss_reg(found.shifts.float(), targets, weight, avg_factor=weight.sum())
        return losses

    def predict(self, found: SegmentMap, durations: Sequence[float]) -> List[InstanceData]:
        """The best segments of each video, ``segments [n, 2]`` in seconds and ``scores [n]``, best first; n <= topk."""
        return self.decode(found.logits.sigmoid(), found.shifts, found.mask, durations)

    def decode(self, scores: Tensor, shifts: Tensor, mask: Tensor, durations: Sequence[float]) -> List[InstanceData]:
        """The same of scores ``[B, P, P]`` (0..1).

        One suppression for the whole batch, with the number of the sample as label. A segment whose shifted end does
        not come after its start keeps its bounds.
        """
        bounds = proposal_bounds(mask.size(0), scores.device)[mask]
        moved = (bounds + shifts[:, mask].float()).clamp(0, 1)
        segments = torch.where(moved[..., 1:] > moved[..., :1], moved, bounds)
        number = torch.arange(len(scores), device=scores.device)[:, None].expand(-1, segments.size(1)).flatten()
        segments, scores = segments.flatten(0, 1), scores[:, mask].float().flatten()
        keep, _ = temporal_nms(segments, scores, number, self.nms_iou)
        # Best first within each sample.
        keep = keep[number[keep].argsort(stable=True)]
        counts = number[keep].bincount(minlength=len(durations)).tolist()
        return [
            InstanceData(segments=segments[part[: self.topk]] * duration, scores=scores[part[: self.topk]])
            for part, duration in zip(keep.split(counts), durations)
        ]


def evidence_of(matrix: Tensor, positions: int) -> Tensor:
    """How much of each node lies at each position: ``[B, M, P * K] -> [B, M, P]``."""
    return matrix.unflatten(-1, (positions, -1)).sum(dim=-1)
