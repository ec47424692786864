"""The image of a skeleton sequence: rows are time, columns joints, channels features."""

import logging
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.logging import print_log

from vlplugins.datasets.transforms.functional.inverse_cdf import sample_at_times
from vlplugins.registry import TRANSFORMS
from vlplugins.structures.skeleton_layout import get_layout

_MODES = ('none', 'fixed', 'sequence', 'global')
_FORMATS = ('persons', 'graph', 'image')
# Clips after which the share of cut values is told.
_REPORT_AFTER = 64


def quantize_fixed(values: np.ndarray, limit: float) -> np.ndarray:
    """Values in -limit..limit to 8 bits and back, -1..1: ``q = floor(255 (x + r) / 2r)``, ``q / 127.5 - 1``."""
    return np.clip(np.floor(255 * (values + limit) / (2 * limit)), 0, 255) / 127.5 - 1


def quantize_sequence(values: np.ndarray, presence: np.ndarray) -> np.ndarray:
    """Translation-scale invariant 8 bits of a clip (Li et al., arXiv 1704.05645), decoded to -1..1.

    ``q = floor(255 (x_j - m_j) / g)`` with the minimum of each channel and one range g, the largest of all channels.

    Args:
        values: ``[clips, M, L, V, C]``.
        presence: Booleans ``[clips, M, L]``; the others take no part and are zero.
    """
    shown = presence[..., None, None]
    low = np.where(shown, values, np.inf).min(axis=(1, 2, 3), keepdims=True)
    high = np.where(shown, values, -np.inf).max(axis=(1, 2, 3), keepdims=True)
    span = (high - low).max(axis=4, keepdims=True)
    scaled = np.where(span > 0, np.floor(255 * (values - low) / np.where(span > 0, span, 1)), 0.0)
    return np.where(shown, np.clip(scaled, 0, 255) / 127.5 - 1, 0.0)


@TRANSFORMS.register_module()
class SkeletonImageEncode(BaseTransform):
    """Samples the streams at the key times and makes one image of them.

    Takes ``streams``, ``presence``, ``key_times``; sets ``keypoint``, float32, and ``stream_channels``, the channels of
    each stream.

    Args:
        layout: Layout of the joints.
        streams: Names of the streams, in the order of the channels; ``'joint'`` is the normalised joints themselves.
        mode: ``'none'``: the features as they are, cut at ``clip``. ``'fixed'``: 8 bits of a fixed range and back.
            ``'sequence'``: 8 bits of the range of the clip and back; for positions, not for velocities. ``'global'``:
            ``255 (x - min) / (max - min)`` with constants of a data set, less ``offset``, as VA-CNN has it.
        ranges: Limit of each stream for ``'fixed'``; (min, max) for ``'global'``.
        clip: Limit of the values for ``'none'``; ``None`` for none.
        offset: Taken off the values for ``'global'``.
        order: Columns in the order of the layout, which keeps limbs together; otherwise in that of the joints.
        resize: Rows and columns of the result, by bilinear interpolation.
        format: ``'persons'``: ``[clips, M, C, L, V]``; ``'graph'``: ``[clips, M, L, V, C]``, as mmaction2's graph
            networks take; ``'image'``: persons side by side, ``[clips, C, L, M * V]`` in ``imgs``, as its 2D
            recognizers take.

    Raises:
        ValueError: an unknown option, or (while reading) a stream that no transform has made.
    """

    def __init__(
        self,
        layout: Any = 'nturgb+d',
        streams: Sequence[str] = ('key', 'bone', 'motion'),
        mode: str = 'none',
        ranges: Any = dict(key=2.0, bone=1.0, motion=2.0),  # noqa: B006  (a config, never changed)
        clip: Optional[float] = 4.0,
        offset: float = 0.0,
        order: bool = True,
        resize: Optional[Tuple[int, int]] = None,
        format: str = 'persons',
    ) -> None:
        if mode not in _MODES or format not in _FORMATS:
            raise ValueError(f'mode {mode!r} must be one of {_MODES}, format {format!r} one of {_FORMATS}')
        if mode == 'fixed' and not set(streams) <= set(ranges):
            raise ValueError(f'ranges {ranges} must have a limit for each of the streams {tuple(streams)}')
        if mode == 'global' and (isinstance(ranges, dict) or len(ranges) != 2 or ranges[0] >= ranges[1]):
            raise ValueError(f"mode 'global' needs ranges=(min, max), not {ranges}")
        self.layout, self.streams, self.mode, self.ranges = get_layout(layout), tuple(streams), mode, ranges
        self.clip, self.offset, self.order, self.resize, self.format = clip, offset, order, resize, format
        self._seen, self._values, self._cut = 0, 0, 0

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Encode one clip."""
        presence, key_times = results['presence'], results['key_times']
        there = sample_at_times(presence[..., None].astype(float), presence, key_times)[..., 0] > 0
        parts = [self._values_of(name, self._rows(name, results), there) for name in self.streams]
        self._tell_share_of_cut_values()
        results['stream_channels'] = tuple(each.shape[-1] for each in parts)
        image = np.concatenate(parts, axis=-1)
        if self.order:
            image = image[:, :, :, list(self.layout.order)]
        image = self._resized(image.astype(np.float32))
        if self.format == 'graph':
            results['keypoint'] = image
        elif self.format == 'persons':
            results['keypoint'] = np.ascontiguousarray(image.transpose(0, 1, 4, 2, 3))
        else:
            clips, persons, rows, columns, channels = image.shape
            side_by_side = image.transpose(0, 4, 2, 1, 3).reshape(clips, channels, rows, persons * columns)
            results['imgs'] = np.ascontiguousarray(side_by_side)
            results['num_clips'] = clips
        return results

    def _rows(self, name: str, results: Dict[str, Any]) -> np.ndarray:
        """A stream at the key times, ``[clips, M, L, V, C]``."""
        key_times, streams = results['key_times'], results.get('streams', {})
        if name in results.get('row_streams', {}):
            rows = results['row_streams'][name]
        elif name in streams or name == 'joint':
            rows = sample_at_times(streams.get(name, results['keypoint']), results['presence'], key_times)
        else:
            known = [*streams, *results.get('row_streams', {}), 'joint']
            raise ValueError(f'no stream {name!r} to encode; the transforms before made {known}')
        if name in results.get('timed_streams', ()):
            stretch = np.gradient(key_times, axis=-1) * (key_times.shape[-1] - 1)
            stretch = stretch / max(results['presence'].shape[1] - 1, 1) - 1
            stretch = np.broadcast_to(stretch[:, None, :, None, None], (*rows.shape[:-1], 1))
            rows = np.concatenate([rows, stretch], axis=-1)
        return rows

    def _values_of(self, name: str, rows: np.ndarray, there: np.ndarray) -> np.ndarray:
        shown = there[..., None, None]
        if self.mode == 'none':
            return self._clipped(rows)
        if self.mode == 'fixed':
            return np.where(shown, quantize_fixed(rows, self.ranges[name]), 0.0)
        if self.mode == 'sequence':
            return quantize_sequence(rows, there)
        low, high = self.ranges
        return np.where(shown, 255 * (rows - low) / (high - low) - self.offset, 0.0)

    def _clipped(self, rows: np.ndarray) -> np.ndarray:
        if self.clip is None:
            return rows
        if self._seen < _REPORT_AFTER:
            self._values += rows.size
            self._cut += int((np.abs(rows) > self.clip).sum())
        return np.clip(rows, -self.clip, self.clip)

    def _tell_share_of_cut_values(self) -> None:
        self._seen += 1
        if self._seen == _REPORT_AFTER and self._values:
            share = self._cut / self._values
            level = logging.WARNING if share > 0.01 else logging.INFO
            print_log(f'skeleton images: {share:.2%} of the values are cut at ±{self.clip}', 'current', level)

    def _resized(self, image: np.ndarray) -> np.ndarray:
        """``[clips, M, L, V, C]`` with other rows and columns."""
        if self.resize is None:
            return image
        import cv2

        rows, columns = self.resize
        flat: List[np.ndarray] = [
            cv2.resize(each, (columns, rows), interpolation=cv2.INTER_LINEAR).reshape(rows, columns, -1)
            for each in image.reshape(-1, *image.shape[2:])
        ]
        return np.stack(flat).reshape(*image.shape[:2], rows, columns, -1)
