"""Accuracy of a classifier with several widths."""

from typing import Any, Dict, List, Optional, Sequence

import torch
from mmengine.evaluator import BaseMetric

from vlplugins.evaluation.functional.classification import top_k_accuracy
from vlplugins.registry import METRICS
from vlplugins.utils.widths import width_name


@METRICS.register_module()
class SwitchableAccuracy(BaseMetric):
    """Top-k accuracy of each width, in per cent: ``accuracy/w0.50/top1``, and the mean: ``accuracy/mean/top1``.

    Args:
        topk: The values of ``k``.
        widths: The widths to judge; by default all that the samples hold.
        collect_device: ``'cpu'`` or ``'gpu'``, where results of several processes are joined.
        prefix: Name before the metrics.
    """

    default_prefix = 'accuracy'

    def __init__(
        self,
        topk: Sequence[int] = (1, 5),
        widths: Optional[Sequence[float]] = None,
        collect_device: str = 'cpu',
        prefix: Optional[str] = None,
    ) -> None:
        super().__init__(collect_device, prefix)
        self.topk = (topk,) if isinstance(topk, int) else tuple(topk)
        self.widths = None if widths is None else tuple(widths)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep index, label and scores of each sample."""
        for sample in data_samples:
            scores = sample['pred_scores']
            self.results.append(
                dict(
                    index=sample['sample_idx'],
                    label=int(sample['gt_label']),
                    scores={width: scores[width].float().cpu() for width in self.widths or scores},
                )
            )

    def compute_metrics(self, results: List[dict]) -> Dict[str, float]:
        """Accuracy of each width, and the mean over widths; repeated samples count once."""
        unique = list({each['index']: each for each in results}.values())
        labels = torch.tensor([each['label'] for each in unique])
        metrics: Dict[str, float] = {}
        widths = sorted(unique[0]['scores'], reverse=True)
        for width in widths:
            scores = torch.stack([each['scores'][width] for each in unique])
            for k, value in top_k_accuracy(scores, labels, self.topk).items():
                metrics[f'{width_name(width)}/top{k}'] = value
        for k in self.topk:
            metrics[f'mean/top{k}'] = sum(metrics[f'{width_name(width)}/top{k}'] for width in widths) / len(widths)
        return metrics
