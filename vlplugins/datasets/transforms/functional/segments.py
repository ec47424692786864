"""Cutting a clip into segments that hold what is seen and what is said at the same time."""

from typing import List, NamedTuple, Sequence, Tuple

import numpy as np


class Segments(NamedTuple):
    """K segments: ``times`` float32 ``[K, 2]`` in seconds, and the numbers of the lines of each."""

    times: np.ndarray
    lines: List[List[int]]


def spread_missing_times(times: np.ndarray, duration: float) -> np.ndarray:
    """Times ``[S, 2]`` in which lines without any (NaN) have an even share of the clip, by their place among all."""
    edges = np.linspace(0, duration, len(times) + 1)
    even = np.stack([edges[:-1], edges[1:]], axis=1)
    return np.where(np.isnan(times), even, times).astype(np.float32)


def cut_segments(
    times: np.ndarray,
    words: Sequence[int],
    duration: float,
    max_segments: int = 24,
    max_words: int = 32,
    min_len: float = 2.0,
    merge_gap: float = 0.3,
    silence: float = 2.0,
    silent_segments: int = 8,
) -> Segments:
    """Cut a clip along its lines.

    Lines in the order of their start join the segment before them while they overlap it or follow it within
    ``merge_gap``, it is shorter than ``min_len``, and its words do not exceed ``max_words``; a line that ends inside
    the segment before it joins it in any case. Pauses of ``silence`` and more become segments without lines. Of more
    than ``max_segments`` the neighbours of the smallest joint length are merged. A clip without lines has
    ``silent_segments`` equal ones.

    Args:
        times: Start and end of S lines in seconds, ``[S, 2]``, without NaN.
        words: Words of each line; lines without any are as good as absent.
        duration: Length of the clip in seconds.
        max_segments: K at most.
        max_words: Words of a segment that further lines may fill up.
        min_len: Seconds.
        merge_gap: Seconds.
        silence: Seconds.
        silent_segments: Segments of a clip in which nobody speaks.
    """
    spoken = [line for line in np.argsort(times[:, 0], kind='stable').tolist() if words[line]]
    if not spoken:
        edges = np.linspace(0, duration, min(silent_segments, max_segments) + 1, dtype=np.float32)
        return Segments(np.stack([edges[:-1], edges[1:]], axis=1), [[] for _ in edges[1:]])
    found: List[Tuple[float, float, List[int]]] = []
    filled = 0
    for line in spoken:
        start, end = times[line].tolist()
        if found:
            begin, last, lines = found[-1]
            is_short = start - last < merge_gap and last - begin < min_len and filled + words[line] <= max_words
            if end <= last or is_short:
                found[-1] = (begin, max(last, end), [*lines, line])
                filled += words[line]
                continue
            start = max(start, last)
        found.append((start, end, [line]))
        filled = words[line]
    return _merge(_with_pauses(found, duration, silence), max_segments)


def _with_pauses(
    spoken: Sequence[Tuple[float, float, List[int]]], duration: float, silence: float
) -> List[Tuple[float, float, List[int]]]:
    found, last = [], 0.0
    for start, end, lines in spoken:
        if start - last >= silence:
            found.append((last, start, []))
        found.append((start, end, lines))
        last = end
    if duration - last >= silence:
        found.append((last, duration, []))
    return found


def _merge(found: List[Tuple[float, float, List[int]]], limit: int) -> Segments:
    while len(found) > limit:
        lengths = [found[i + 1][1] - found[i][0] for i in range(len(found) - 1)]
        i = int(np.argmin(lengths))
        found[i : i + 2] = [(found[i][0], found[i + 1][1], found[i][2] + found[i + 1][2])]
    times = np.array([each[:2] for each in found], dtype=np.float32)
    return Segments(times, [lines for *_, lines in found])


def assign_frames(frame_times: np.ndarray, segment_times: np.ndarray) -> List[np.ndarray]:
    """Numbers of the frames of each of K segments.

    A frame belongs to the segment whose interval ``[start, end)`` holds it, else to the nearest one, the earlier of two
    equally near. A segment without a frame also takes the one nearest to its middle.

    Args:
        frame_times: Seconds of T frames, ``[T]``, T > 0.
        segment_times: ``[K, 2]``, ascending and without overlap.
    """
    start, end = segment_times[:, 0], segment_times[:, 1]
    inside = (frame_times[:, None] >= start) & (frame_times[:, None] < end)
    distance = np.maximum(np.maximum(start - frame_times[:, None], frame_times[:, None] - end), 0)
    owner = np.where(inside, -1.0, distance).argmin(axis=1)
    found = [np.flatnonzero(owner == segment) for segment in range(len(segment_times))]
    middle = segment_times.mean(axis=1)
    return [
        frames if len(frames) else np.abs(frame_times - middle[segment]).argmin(keepdims=True)
        for segment, frames in enumerate(found)
    ]


def padded_index(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Lists of numbers as rows of an int64 array, -1 behind them; at least one column."""
    width = max([1, *(len(part) for part in parts)])
    rows = np.full((len(parts), width), -1, dtype=np.int64)
    for row, part in zip(rows, parts):
        row[: len(part)] = part
    return rows
