"""Augmentation of clips of segments: what is dropped is dropped from all that belongs to a segment."""

from typing import Any, Dict

import numpy as np
from mmcv.transforms import BaseTransform

from vlplugins.registry import TRANSFORMS

_LINE_KEYS = ('times', 'subtitles', 'gt_segments')


def select_lines(results: Dict[str, Any], lines: np.ndarray) -> Dict[str, Any]:
    """Keep the segments ``lines`` (ascending indices) of features, times, subtitles and truth.

    Labels of the clip stay: which segment they belong to is not known in training.
    """
    for key in _LINE_KEYS:
        if results.get(key) is not None:
            value = results[key]
            results[key] = [value[line] for line in lines] if isinstance(value, list) else value[lines]
    results['features'] = {name: values[lines] for name, values in results.get('features', {}).items()}
    return results


@TRANSFORMS.register_module()
class RandomLineDropout(BaseTransform):
    """Drops each segment with a probability, the same ones from every modality.

    Args:
        p: Probability, 0 to below 1.
        min_lines: Segments that stay at least.
        rng: Source of random numbers: a ``numpy.random.Generator``, or the module ``numpy.random``.

    Raises:
        ValueError: ``p`` outside 0..1, or ``min_lines`` below 1.
    """

    def __init__(self, p: float = 0.1, min_lines: int = 3, rng: Any = np.random) -> None:
        if not 0 <= p < 1 or min_lines < 1:
            raise ValueError(f'p {p} must be in 0..1, below 1, and min_lines {min_lines} at least 1')
        self.p, self.min_lines, self.rng = p, min_lines, rng

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Drop segments."""
        draws = self.rng.uniform(0, 1, len(results['times']))
        # Where too few would stay, those with the highest draws do.
        least = np.sort(draws)[::-1][: self.min_lines].min()
        return select_lines(results, np.flatnonzero((draws >= self.p) | (draws >= least)))


@TRANSFORMS.register_module()
class TemporalCrop(BaseTransform):
    """Cuts a random window out of clips with many segments.

    Args:
        max_lines: Segments of the window; shorter clips stay as they are.
        rng: As in :class:`RandomLineDropout`.

    Raises:
        ValueError: ``max_lines`` below 1.
    """

    def __init__(self, max_lines: int = 64, rng: Any = np.random) -> None:
        if max_lines < 1:
            raise ValueError(f'max_lines {max_lines} must be at least 1')
        self.max_lines, self.rng = max_lines, rng

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Cut."""
        spare = len(results['times']) - self.max_lines
        if spare <= 0:
            return results
        begin = int(self.rng.uniform(0, spare + 1))
        return select_lines(results, np.arange(begin, begin + self.max_lines))


@TRANSFORMS.register_module()
class AddFeatureNoise(BaseTransform):
    """Adds normal noise to the features of all modalities that are there.

    Args:
        std: Standard deviation.
        rng: As in :class:`RandomLineDropout`.
    """

    def __init__(self, std: float = 0.01, rng: Any = np.random) -> None:
        self.std, self.rng = std, rng

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Add noise."""
        for name, values in results['features'].items():
            if results['present'][name]:
                noise = self.rng.normal(0, self.std, values.shape).astype(np.float32)
                results['features'][name] = values + noise
        return results
