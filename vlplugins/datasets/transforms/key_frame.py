"""Key frames: the rows of a skeleton image go to the frames in which something happens."""

from typing import Any, Dict, Optional

import numpy as np
from mmcv.transforms import BaseTransform

from vlplugins.datasets.transforms.functional.inverse_cdf import inverse_cdf_sampling, motion_energy
from vlplugins.registry import TRANSFORMS


@TRANSFORMS.register_module()
class KeyFrameEnhance(BaseTransform):
    """Chooses real-valued times, dense where the skeletons move.

    The energy of a step is the squared displacement of all joints of all persons, smoothed, and less the noise floor.
    The times are the inverse of its cumulative sum (:func:`inverse_cdf_sampling`) at an even grid. They are computed
    once for all persons and streams, on normalised coordinates, so that they depend neither on view nor on size.

    Takes ``keypoint`` and ``presence``; sets ``key_times [num_clips, length]`` and ``frame_energy [T]``.

    Args:
        length: Rows of the image.
        strength: 0 spaces the rows evenly, 1 spends all of them on motion and is blind to pauses.
        floor: Quantile of the energy that counts as sensor noise; ``None`` for no floor.
        smooth: Smooth the joints before they are differenced.
        jitter: The inner positions of the grid are shifted by up to so much of their distance; for training, or for
            several clips in testing.
        num_clips: Copies, each with its own jitter.
        rng: Source of random numbers: a ``numpy.random.Generator``, or the module ``numpy.random``.

    Raises:
        ValueError: a length below 2, a strength, floor or jitter outside 0..1, several clips without jitter.
    """

    def __init__(
        self,
        length: int = 64,
        strength: float = 0.8,
        floor: Optional[float] = 0.5,
        smooth: bool = True,
        jitter: float = 0.0,
        num_clips: int = 1,
        rng: Any = np.random,
    ) -> None:
        if length < 2 or num_clips < 1:
            raise ValueError(f'length {length} must be at least 2 and num_clips {num_clips} at least 1')
        for name, value in dict(strength=strength, floor=floor or 0.0, jitter=jitter).items():
            if not 0 <= value <= 1:
                raise ValueError(f'{name} {value} must be between 0 and 1')
        if num_clips > 1 and jitter == 0:
            raise ValueError(f'{num_clips} clips without jitter are copies of one; set jitter')
        self.length, self.strength, self.floor, self.smooth = length, strength, floor, smooth
        self.jitter, self.num_clips, self.rng = jitter, num_clips, rng

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Set ``key_times`` and ``frame_energy``."""
        energy = motion_energy(results['keypoint'], results['presence'], self.floor, self.smooth)
        results['key_times'] = inverse_cdf_sampling(energy, self._grid(), self.strength)
        results['frame_energy'] = energy
        return results

    def _grid(self) -> np.ndarray:
        """Positions ``[num_clips, length]`` in 0..1."""
        grid = np.tile(np.arange(self.length, dtype=float), (self.num_clips, 1))
        if self.jitter and self.length > 2:
            shift = self.rng.uniform(-self.jitter, self.jitter, (self.num_clips, self.length - 2))
            grid[:, 1:-1] += shift
            grid.sort(axis=1)
        return np.clip(grid / (self.length - 1), 0, 1)


@TRANSFORMS.register_module()
class KeyTimesFromFrames(BaseTransform):
    """Takes frames that another transform has chosen, such as mmaction2's ``UniformSampleFrames``, as key times.

    Reads ``frame_inds`` (of ``num_clips`` clips, behind one another); sets ``key_times [num_clips, length]``. Frames
    beyond the clip become the last one.
    """

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Set ``key_times``."""
        frames = np.asarray(results['frame_inds'], dtype=float) - results.get('start_index', 0)
        last = results['keypoint'].shape[1] - 1
        results['key_times'] = np.minimum(frames, last).reshape(results.get('num_clips', 1), -1)
        return results
