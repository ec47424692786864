"""Accuracy of boxes for expressions."""

import sys
from typing import Any, Dict, List, Optional, Sequence

import numpy as np
from mmengine.evaluator import BaseMetric

from vlplugins.evaluation.functional.single_object_tracking import overlaps_of
from vlplugins.registry import METRICS


@METRICS.register_module()
class GroundingAccuracy(BaseMetric):
    """Share of the expressions whose first box has an IoU above ``iou_thr`` with the object, in per cent.

    ``grounding/acc@0.5``, and ``grounding/mIoU``, for each split where samples have several (``grounding/testA/...``).
    Expressions are joined by ``sent_id``, so that one that a distributed sampler repeats counts once. One without a box
    is wrong.

    Args:
        iou_thr: An overlap must be greater.
        join_splits: Count the expressions of all splits together.
        collect_device: ``'cpu'`` or ``'gpu'``, where results of several processes are joined.
        prefix: Name before the metrics.

    Raises:
        ValueError: ``iou_thr`` outside of 0..1.
    """

    default_prefix = 'grounding'

    def __init__(
        self,
        iou_thr: float = 0.5,
        join_splits: bool = False,
        collect_device: str = 'cpu',
        prefix: Optional[str] = None,
    ) -> None:
        super().__init__(collect_device, prefix)
        if not 0 <= iou_thr < 1:
            raise ValueError(f'iou_thr {iou_thr} must be from 0 to below 1')
        self.iou_thr, self.join_splits = iou_thr, join_splits

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the overlap of the first box and the true one of each sample."""
        for sample in data_samples:
            boxes = sample['pred_instances']['bboxes'][:1].float().cpu().numpy()
            truth = sample['gt_instances']['bboxes'].float().cpu().numpy()
            overlap = overlaps_of(_corners_to_sides(boxes), _corners_to_sides(truth))[0] if len(boxes) else 0.0
            self.results.append(((str(sample.get('split', '')), int(sample['sent_id'])), float(overlap)))

    def evaluate(self, size: int) -> Dict[str, float]:
        """Judge what all processes have collected; repeated samples are told by ``sent_id``, not by ``size``."""
        return super().evaluate(sys.maxsize)

    def compute_metrics(self, results: List[tuple]) -> Dict[str, float]:
        """Accuracy and mean IoU, of each split."""
        splits: Dict[str, List[float]] = {}
        for (split, _), overlap in sorted(dict(results).items()):
            splits.setdefault('' if self.join_splits else split, []).append(overlap)
        metrics = {}
        for split, overlaps in splits.items():
            name = f'{split}/' if len(splits) > 1 else ''
            metrics[f'{name}acc@{self.iou_thr:g}'] = 100.0 * float((np.array(overlaps) > self.iou_thr).mean())
            metrics[f'{name}mIoU'] = 100.0 * float(np.mean(overlaps))
        return metrics


def _corners_to_sides(boxes: np.ndarray) -> np.ndarray:
    """``xyxy`` to ``x, y, width, height``."""
    return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
