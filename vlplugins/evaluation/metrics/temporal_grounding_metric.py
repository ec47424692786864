"""Recall and overlap of segments that were found by sentences, for each split and type of novelty."""

from collections import defaultdict
from typing import Any, Dict, List, Optional, Sequence

import numpy as np
import torch
from mmengine.evaluator import BaseMetric

from vlplugins.evaluation.functional.grounding import best_fixed_segment, grounding_scores
from vlplugins.evaluation.functional.temporal import pairwise_temporal_iou
from vlplugins.registry import METRICS


@METRICS.register_module()
class TemporalGroundingMetric(BaseMetric):
    """``<split>/R<n>@<m>``, ``<split>/mIoU`` and ``<split>/num``; per cent, means over queries.

    Every split is judged for itself: there is no mean over splits. Where queries have types of novelty (kinds of
    compositions, parts of speech of new words), also ``<split>/<type>/...``; a query of two types counts in both.

    Args:
        topk: The values of n. Fewer predictions than n are used as they are.
        iou_thrs: The values of m.
        strict: An overlap must be more than m, not as much.
        by_novel_type: Also judge each type of novelty.
        with_floor: Also ``<split>/floor/...``: the scores of the best fixed segment for all queries of the split, which
            needs no query at all; chosen on the split itself, so it is an upper bound of such a model.
        collect_device: As in MMEngine's ``BaseMetric``.
        prefix: As in MMEngine's ``BaseMetric``.
    """

    def __init__(
        self,
        topk: Sequence[int] = (1, 5),
        iou_thrs: Sequence[float] = (0.3, 0.5, 0.7),
        strict: bool = False,
        by_novel_type: bool = True,
        with_floor: bool = True,
        collect_device: str = 'cpu',
        prefix: Optional[str] = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.topk, self.iou_thrs, self.strict = tuple(topk), tuple(iou_thrs), strict
        self.by_novel_type, self.with_floor = by_novel_type, with_floor

    def process(self, data_batch: Any, data_samples: Sequence[Any]) -> None:
        """Keep the overlaps of a batch.

        Args:
            data_batch: Not used.
            data_samples: :class:`TemporalDataSample`, or dicts of them, with ``gt_intervals [1, 2]``,
                ``pred_instances.segments [M, 2]`` (best first), and the meta information ``split``, ``duration`` and
                ``novel``.
        """
        for sample in data_samples:
            get = sample.get
            found = get('pred_instances')
            segments = _array(found['segments'] if isinstance(found, dict) else found.segments)
            truth = _array(get('gt_intervals'))
            overlaps = pairwise_temporal_iou(segments[: max(self.topk)].reshape(-1, 2), truth[:1])[:, 0]
            self.results.append(
                dict(
                    split=get('split') or 'test',
                    types=list(get('novel') or {}),
                    ious=overlaps,
                    truth=truth[0] / float(get('duration')),
                )
            )

    def compute_metrics(self, results: List[dict]) -> Dict[str, float]:
        """All scores of all queries."""
        groups: Dict[str, List[dict]] = defaultdict(list)
        for result in results:
            groups[result['split']].append(result)
            for kind in result['types'] if self.by_novel_type else ():
                groups[f'{result["split"]}/{kind}'].append(result)
        metrics: Dict[str, float] = {}
        splits = {result['split'] for result in results}
        for name in sorted(groups):
            group = groups[name]
            scores = self._judge([each['ious'] for each in group])
            metrics.update({f'{name}/{key}': value for key, value in scores.items()})
            metrics[f'{name}/num'] = float(len(group))
            if self.with_floor and name in splits:
                _, ious = best_fixed_segment(np.stack([each['truth'] for each in group]))
                floor = self._judge(list(ious[:, None]))
                metrics.update(
                    {f'{name}/floor/{key}': value for key, value in floor.items() if key[:2] in ('R1', 'mI')}
                )
        return metrics

    def _judge(self, ious: List[np.ndarray]) -> Dict[str, float]:
        return grounding_scores(ious, self.topk, self.iou_thrs, self.strict)


def _array(value: Any) -> np.ndarray:
    return value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
