"""Batches of images of two domains, as a ``MultiBranchDataPreprocessor`` gives them."""

from typing import Any, List, Tuple

from torch import Tensor

SOURCE, TARGET = 'source', 'target'
# What domain classifiers and their losses number the domains by.
DOMAINS = {SOURCE: 0, TARGET: 1}


def images_of_domain(inputs: Any, samples: Any, domain: str) -> Tuple[Tensor, List[Any]]:
    """Images ``[B, 3, H, W]`` and samples of one domain of a batch.

    Raises:
        ValueError: a batch that is not divided by domains, or has no image of this one.
    """
    if not isinstance(inputs, dict) or not isinstance(samples, dict):
        raise ValueError(
            f'found a batch of {type(inputs).__name__}; expected a dict with images of source and target. Is the '
            'data_preprocessor a MultiBranchDataPreprocessor, and the last transform MultiBranch?'
        )
    if domain not in inputs or len(inputs[domain]) == 0:
        raise ValueError(
            f'the batch has no image of the {domain}, only of {sorted(name for name in inputs if len(inputs[name]))}; '
            'is the sampler a SourceTargetSampler?'
        )
    return inputs[domain], samples[domain]


def plain_samples(images: Tensor) -> List[Any]:
    """mmdet's samples for images ``[B, 3, H, W]`` that come without any, such as those of a counter of operations."""
    from mmdet.structures import DetDataSample

    shape = tuple(images.shape[2:])
    meta = dict(img_shape=shape, ori_shape=shape, scale_factor=(1.0, 1.0))
    return [DetDataSample(metainfo=meta) for _ in images]
