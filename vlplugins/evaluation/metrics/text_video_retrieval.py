"""Retrieval of videos by texts, and of texts by videos."""

import sys
from typing import Any, Dict, List, Optional, Sequence

import numpy as np
from mmengine.evaluator import BaseMetric

from vlplugins.evaluation.functional.retrieval import (
    best_of_groups,
    dual_softmax,
    retrieval_metrics,
    retrieval_ranks,
)
from vlplugins.registry import METRICS

_DIRECTIONS = ('t2v', 'v2t')


@METRICS.register_module()
class TextVideoRetrievalMetric(BaseMetric):
    """Recall, median and mean rank in both directions: ``t2v/R@1``, ``t2v/MdR``, ``t2v/MnR``, ``v2t/R@1``, ...

    A sample is a video with its captions. Samples are joined by ``video_index`` and ``text_indices``, so that neither
    order, batches nor processes matter, and one that a distributed sampler repeats counts once. Text to video, every
    caption is a query. Video to text, every video is a query among videos, each scored by the best of its captions.

    Args:
        topk: The values of k of ``R@k``.
        directions: ``'t2v'`` and ``'v2t'``, or one of them.
        dual_softmax: Re-rank by the dual softmax, over all queries at once. The results are then named
            ``t2v+DSL/R@1``, so that they are not taken for those without it.
        collect_device: ``'cpu'`` or ``'gpu'``, where results of several processes are joined.
        prefix: Name before the metrics.

    Raises:
        ValueError: an unknown direction, or k below 1; (when evaluated) a caption of two videos, features that are not
            finite.
    """

    # The directions are the prefixes.
    default_prefix = ''

    def __init__(
        self,
        topk: Sequence[int] = (1, 5, 10),
        directions: Sequence[str] = _DIRECTIONS,
        dual_softmax: bool = False,
        collect_device: str = 'cpu',
        prefix: Optional[str] = None,
    ) -> None:
        super().__init__(collect_device, prefix)
        unknown = set(directions) - set(_DIRECTIONS)
        if unknown or not directions:
            raise ValueError(f'directions {tuple(directions)} must be some of {_DIRECTIONS}')
        if not topk or min(topk) < 1:
            raise ValueError(f'topk {tuple(topk)} must be integers of at least 1')
        self.topk, self.directions, self.dual_softmax = tuple(topk), tuple(directions), dual_softmax

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep indices and features of each sample."""
        for sample in data_samples:
            self.results.append(
                dict(
                    video=int(sample['video_index']),
                    texts=[int(index) for index in sample['text_indices']],
                    video_feature=sample['video_feature'].float().cpu().numpy(),
                    text_features=sample['text_features'].float().cpu().numpy(),
                    logit_scale=float(sample.get('logit_scale', 0.0)),
                )
            )

    def evaluate(self, size: int) -> Dict[str, float]:
        """Judge what all processes have collected; ``size`` (of the data set) is not used.

        MMEngine would cut the joined list to ``size``, which drops the right ones only where repeated samples come
        last; here they are told by their indices.
        """
        return super().evaluate(sys.maxsize)

    def compute_metrics(self, results: List[dict]) -> Dict[str, float]:
        """Metrics of the directions asked for."""
        unique = {each['video']: each for each in results}
        ordered = [unique[key] for key in sorted(unique)]
        texts = [index for each in ordered for index in each['texts']]
        if len(set(texts)) != len(texts):
            repeated = len(texts) - len(set(texts))
            raise ValueError(f'{repeated} captions belong to several videos; text_indices are wrong')
        owners = np.repeat(np.arange(len(ordered)), [len(each['texts']) for each in ordered])
        videos = np.stack([each['video_feature'] for each in ordered]).astype(np.float64)
        captions = np.concatenate([each['text_features'] for each in ordered]).astype(np.float64)
        # The factor changes no rank, but what the dual softmax makes of them.
        scores = np.exp(ordered[0]['logit_scale']) * (captions @ videos.T)
        metrics: Dict[str, float] = {}
        for direction in self.directions:
            if direction == 't2v':
                found = self._judge(scores, owners)
            else:
                found = self._judge(best_of_groups(scores, owners, len(ordered)).T, np.arange(len(ordered)))
            name = f'{direction}+DSL' if self.dual_softmax else direction
            metrics.update({f'{name}/{key}': value for key, value in found.items()})
        return metrics

    def _judge(self, scores: np.ndarray, targets: np.ndarray) -> Dict[str, float]:
        ranks = retrieval_ranks(dual_softmax(scores) if self.dual_softmax else scores, targets)
        return retrieval_metrics(ranks, self.topk)
