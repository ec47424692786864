"""Retrieval of images by captions, and of captions by images, with several captions an image."""

import sys
from typing import Any, Dict, List, Optional, Sequence

import numpy as np
from mmengine.evaluator import BaseMetric

from vlplugins.evaluation.functional.retrieval import (
    RetrievalRanks,
    recall_at,
    retrieval_ranks,
    retrieval_ranks_of_any,
)
from vlplugins.registry import METRICS


@METRICS.register_module()
class ImageTextRecall(BaseMetric):
    """``i2t/R@1``, ``t2i/R@1``, ..., and ``rsum``, the sum of all; the protocol of Karpathy's splits.

    Image to text, an image is a hit at k if one of its captions is among the first k of all captions. Text to image, a
    caption is a hit if its image is. Ties count against. A sample is an image with its captions; samples are joined by
    ``image_index`` and ``text_indices``, so that neither order, batches nor processes matter, and one that a
    distributed sampler repeats counts once.

    Args:
        topk: The values of k.
        block_size: Images, or captions, that are ranked at a time.
        collect_device: ``'cpu'`` or ``'gpu'``, where results of several processes are joined.
        prefix: Name before the metrics.

    Raises:
        ValueError: k below 1; (when evaluated) a caption of two images, features that are no numbers.
    """

    # The directions are the prefixes.
    default_prefix = ''

    def __init__(
        self,
        topk: Sequence[int] = (1, 5, 10),
        block_size: int = 1000,
        collect_device: str = 'cpu',
        prefix: Optional[str] = None,
    ) -> None:
        super().__init__(collect_device, prefix)
        if not topk or min(topk) < 1 or block_size < 1:
            raise ValueError(f'topk {tuple(topk)} and block_size {block_size} must be integers of at least 1')
        self.topk, self.block_size = tuple(topk), block_size

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep indices and features of each sample."""
        for sample in data_samples:
            self.results.append(
                dict(
                    image=int(sample['image_index']),
                    texts=[int(index) for index in sample['text_indices']],
                    image_feature=sample['image_feature'].float().cpu().numpy(),
                    text_features=sample['text_features'].float().cpu().numpy(),
                )
            )

    def evaluate(self, size: int) -> Dict[str, float]:
        """Judge what all processes have collected; repeated samples are told by their indices, not by ``size``."""
        return super().evaluate(sys.maxsize)

    def compute_metrics(self, results: List[dict]) -> Dict[str, float]:
        """Recall in both directions."""
        unique = {each['image']: each for each in results}
        ordered = [unique[key] for key in sorted(unique)]
        texts = [index for each in ordered for index in each['texts']]
        if len(set(texts)) != len(texts):
            repeated = len(texts) - len(set(texts))
            raise ValueError(f'{repeated} captions belong to several images; text_indices are wrong')
        owners = np.repeat(np.arange(len(ordered)), [len(each['texts']) for each in ordered])
        images = np.stack([each['image_feature'] for each in ordered])
        captions = np.concatenate([each['text_features'] for each in ordered])
        blocks = [np.arange(len(each)) for each in (images, captions)]
        blocks = [np.split(each, range(self.block_size, len(each), self.block_size)) for each in blocks]
        found = dict(
            i2t=[retrieval_ranks_of_any(images[rows] @ captions.T, owners, rows) for rows in blocks[0]],
            t2i=[retrieval_ranks(captions[rows] @ images.T, owners[rows]) for rows in blocks[1]],
        )
        metrics: Dict[str, float] = {}
        for direction, parts in found.items():
            ranks = RetrievalRanks(*(np.concatenate(each) for each in zip(*parts)))
            metrics.update({f'{direction}/{key}': value for key, value in recall_at(ranks, self.topk).items()})
        return {**metrics, 'rsum': sum(metrics.values())}
