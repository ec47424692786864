"""From lines and frames of a clip to its segments."""

import logging
import zlib
from typing import Any, Dict, List

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.logging import print_log

from vlplugins.datasets.transforms.functional.segments import (
    assign_frames,
    cut_segments,
    padded_index,
    spread_missing_times,
)
from vlplugins.registry import TRANSFORMS


@TRANSFORMS.register_module()
class AlignSegments(BaseTransform):
    """Cuts a clip into segments of frames and subtitle words at the same time; see :func:`cut_segments`.

    Reads ``duration``, ``line_times`` and ``subtitles``, ``sub_line``, and ``features['video']`` where there are
    any, whose T rows are taken as evenly spread, ``(i + 0.5) * duration / T``. Adds ``frame_index`` int64 ``[K, F]``
    and ``word_index`` int64 ``[K, W]`` (-1 behind the last), ``segment_times`` float32 ``[K, 2]``, and
    ``segment_text`` int64 ``[K]``, a digest of what is said, 0 for silence.

    Args:
        max_segments: K at most.
        max_frames: F at most, evenly spaced of more.
        max_words: W at most; words beyond are cut, and counted in ``num_cut_words``.
        min_len: Seconds that lines are merged up to.
        merge_gap: Seconds between lines that are merged.
        silence: Seconds from which a pause is a segment.
        jitter: In training, random frames instead of evenly spaced ones, and ``merge_gap`` from 0.1 to 0.5.
        rng: Source of random numbers: a ``numpy.random.Generator``, or the module ``numpy.random``.

    Raises:
        ValueError: a limit below 1.
    """

    def __init__(
        self,
        max_segments: int = 24,
        max_frames: int = 16,
        max_words: int = 32,
        min_len: float = 2.0,
        merge_gap: float = 0.3,
        silence: float = 2.0,
        jitter: bool = False,
        rng: Any = np.random,
    ) -> None:
        if min(max_segments, max_frames, max_words) < 1:
            limits = max_segments, max_frames, max_words
            raise ValueError(f'max_segments, max_frames, max_words {limits} must be at least 1')
        self.max_frames, self.max_words, self.merge_gap = max_frames, max_words, merge_gap
        self.options = dict(max_segments=max_segments, max_words=max_words, min_len=min_len, silence=silence)
        self.jitter, self.rng = jitter, rng
        self.num_cut_words, self.has_warned = 0, False

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Add the segments."""
        lines = results.get('sub_line', np.zeros(0, dtype=np.int64))
        times = self._times(results)
        counts = np.bincount(lines[lines >= 0], minlength=len(times))
        gap = float(self.rng.uniform(0.1, 0.5)) if self.jitter else self.merge_gap
        features = results.get('features', {}).get('video')
        duration = float(results['duration']) or 1.0
        silent = 8 if features is None else min(8, len(features))
        segments = cut_segments(times, counts.tolist(), duration, merge_gap=gap, silent_segments=silent, **self.options)
        results['segment_times'] = segments.times
        results['word_index'] = padded_index([self._words(lines, each) for each in segments.lines])
        results['segment_text'] = np.array([_digest(results['subtitles'], each) for each in segments.lines])
        if features is None:
            results['frame_index'] = np.full((len(segments.times), 1), -1, dtype=np.int64)
        else:
            frame_times = (np.arange(len(features)) + 0.5) * duration / len(features)
            frames = [self._choose(each) for each in assign_frames(frame_times, segments.times)]
            results['frame_index'] = padded_index(frames)
        return results

    def _times(self, results: Dict[str, Any]) -> np.ndarray:
        times = np.asarray(results['line_times'], dtype=np.float32).reshape(-1, 2)
        if np.isnan(times).any():
            if not self.has_warned:
                self.has_warned = True
                message = f'{results.get("video_id")} has lines without times, which get an even share of the clip'
                print_log(message, 'current', level=logging.WARNING)
            times = spread_missing_times(times, float(results['duration']))
        return times

    def _words(self, lines: np.ndarray, chosen: List[int]) -> np.ndarray:
        # In the order of the lines of the segment, which is that of their time.
        words = np.concatenate([np.flatnonzero(lines == line) for line in chosen] or [np.zeros(0, dtype=np.int64)])
        self.num_cut_words += max(0, len(words) - self.max_words)
        return words[: self.max_words]

    def _choose(self, frames: np.ndarray) -> np.ndarray:
        if len(frames) <= self.max_frames:
            return frames
        edges = np.linspace(0, len(frames), self.max_frames + 1)
        if self.jitter:
            places = edges[:-1] + self.rng.uniform(0, 1, self.max_frames) * np.diff(edges)
        else:
            places = (edges[:-1] + edges[1:]) / 2
        return frames[np.minimum(places.astype(np.int64), len(frames) - 1)]


def _digest(subtitles: List[str], lines: List[int]) -> int:
    text = ' '.join(subtitles[line] for line in lines)
    return zlib.crc32(text.encode()) + 1 if text else 0
