"""From scores of segments to proposals: runs of segments above several thresholds."""

from typing import Optional, Sequence, Tuple

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from vlplugins.evaluation.functional.temporal import temporal_nms
from vlplugins.registry import TASK_UTILS


@TASK_UTILS.register_module()
class MultiThresholdProposalGenerator:
    """Runs of consecutive segments whose score reaches ``lo + q (hi - lo)``, for several q; lo and hi of the clip.

    A class is looked for where the clip's score of it is above ``cls_thr``. A run that several thresholds give counts
    once. Its score is the mean of the clip's score and of how much the run stands out: its mean minus the mean of the
    neighbours at both sides, a quarter of its length each, as far as there are any (outer-inner contrast, AutoLoc,
    Shou et al., ECCV 2018). Scores without any contrast give the whole clip. Overlapping proposals of a class are
    thinned out by :func:`temporal_nms` in seconds.

    Args:
        thresholds: Values of q, 0..1.
        cls_thr: Score of the clip above which a class is looked for.
        keep_top1: Where no class is, take the best one.
        oic_ratio: The neighbourhood is the length over this.
        nms_thr: Overlap from which the weaker proposal goes; ``None`` keeps all.
        soft_sigma: As in :func:`temporal_nms`.
        max_per_clip: Proposals of a clip at most.
        max_gap: Silence, in seconds, that ends a run; by default none does.

    Raises:
        ValueError: no threshold, or one outside 0..1.
    """

    def __init__(
        self,
        thresholds: Sequence[float] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
        cls_thr: float = 0.02,
        keep_top1: bool = True,
        oic_ratio: int = 4,
        nms_thr: Optional[float] = 0.5,
        soft_sigma: Optional[float] = None,
        max_per_clip: int = 100,
        max_gap: Optional[float] = None,
    ) -> None:
        if not thresholds or min(thresholds) < 0 or max(thresholds) > 1:
            raise ValueError(f'thresholds {tuple(thresholds)} must be within 0..1')
        self.thresholds, self.cls_thr, self.keep_top1 = tuple(thresholds), cls_thr, keep_top1
        self.oic_ratio, self.nms_thr, self.soft_sigma = oic_ratio, nms_thr, soft_sigma
        self.max_per_clip, self.max_gap = max_per_clip, max_gap

    def __call__(
        self, segment_scores: Tensor, clip_scores: Tensor, times: Tensor, labels: Optional[Tensor] = None
    ) -> InstanceData:
        """Proposals of one clip.

        Args:
            segment_scores: ``[N, C]``, 0..1.
            clip_scores: ``[C]``, 0..1.
            times: ``[N, 2]`` seconds.
            labels: ``[C]``, above 0 for classes known to be in the clip, which are then looked for instead.

        Returns:
            ``segments [M, 2]`` seconds, ``lines [M, 2]`` first and last line, ``labels [M]``, ``scores [M]``, best
            first.
        """
        classes = self._choose(clip_scores, labels)
        lines, places = self._runs(segment_scores[:, classes], times)
        scores = self._score(segment_scores[:, classes], clip_scores[classes], lines, places)
        segments = self._seconds(lines, times)
        keep, kept_scores = scores.argsort(descending=True, stable=True), scores.sort(descending=True).values
        if self.nms_thr is not None:
            keep, kept_scores = temporal_nms(segments, scores, places, self.nms_thr, self.soft_sigma)
        keep, kept_scores = keep[: self.max_per_clip], kept_scores[: self.max_per_clip]
        found = InstanceData()
        found.segments, found.lines = segments[keep], lines[keep]
        found.labels, found.scores = classes[places[keep]], kept_scores
        return found

    def _choose(self, clip_scores: Tensor, labels: Optional[Tensor]) -> Tensor:
        wanted = clip_scores > self.cls_thr if labels is None else labels > 0
        if labels is None and self.keep_top1:
            wanted = wanted | ((clip_scores == clip_scores.max()) & ~wanted.any())
        return wanted.nonzero()[:, 0]

    def _runs(self, scores: Tensor, times: Tensor) -> Tuple[Tensor, Tensor]:
        """First and last line ``[M, 2]`` of each distinct run, and the column ``[M]`` of its class."""
        low, high = scores.amin(dim=0), scores.amax(dim=0)
        share = torch.as_tensor(self.thresholds, dtype=scores.dtype, device=scores.device)
        bounds = low + (high - low) * share[:, None]  # [T, K]
        above = (scores[None] >= bounds[:, None]) | (high - low < 1e-6)  # [T, N, K]
        linked = above[:, 1:] & above[:, :-1]
        if self.max_gap is not None:
            linked = linked & ((times[1:, 0] - times[:-1, 1]) <= self.max_gap)[None, :, None]
        edge = torch.zeros_like(above[:, :1])
        begins = above & ~torch.cat([edge, linked], dim=1)
        ends = above & ~torch.cat([linked, edge], dim=1)
        first, last = (each.permute(0, 2, 1).nonzero() for each in (begins, ends))  # (threshold, class, line)
        runs = torch.stack([first[:, 1], first[:, 2], last[:, 2]], dim=1).unique(dim=0)
        return runs[:, 1:], runs[:, 0]

    def _score(self, scores: Tensor, clip_scores: Tensor, lines: Tensor, places: Tensor) -> Tensor:
        sums = torch.cat([torch.zeros_like(scores[:1]), scores.cumsum(dim=0)])  # [N + 1, K]
        first, after = lines[:, 0], lines[:, 1] + 1
        length = after - first
        reach = (length // self.oic_ratio).clamp(min=1)
        before, beyond = (first - reach).clamp(min=0), (after + reach).clamp(max=len(scores))
        inner = (sums[after, places] - sums[first, places]) / length
        around = sums[first, places] - sums[before, places] + sums[beyond, places] - sums[after, places]
        outer = around / (first - before + beyond - after).clamp(min=1)
        return 0.5 * clip_scores[places] + 0.5 * (inner - outer)

    @staticmethod
    def _seconds(lines: Tensor, times: Tensor) -> Tensor:
        """Earliest start and latest end ``[M, 2]`` of the lines of each run: lines may overlap or repeat."""
        numbers = torch.arange(len(times), device=times.device)
        inside = (numbers >= lines[:, :1]) & (numbers <= lines[:, 1:])  # [M, N]
        start = torch.where(inside, times[:, 0], torch.inf).amin(dim=1)
        end = torch.where(inside, times[:, 1], -torch.inf).amax(dim=1)
        return torch.stack([start, end], dim=1)
