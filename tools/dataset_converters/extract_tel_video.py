"""Average snippet features of whole films over the subtitle lines of Temporal Emotion Localization.

Example: python tools/dataset_converters/extract_tel_video.py --ann-file data/tel/test.json --features films/i3d \\
             --offsets films/offsets.json --stride 16 --fps 24 --out data/tel/features/i3d
--features holds {film}.npy, [T, D], one row for each snippet of --stride frames; --offsets is a JSON dict from
"{film}/{clip}" to the second of the film at which the clip begins. A line gets the mean of the snippets whose centre
lies in it, or the nearest snippet. Clips without an offset or a film are left out and counted.
"""

import argparse
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
from tqdm import tqdm

from vlplugins.datasets.formats.tel_annotations import TELFile
from vlplugins.datasets.formats.text_files import read_json
from vlplugins.utils.cli import UsageError, friendly_errors
from vlplugins.utils.files import write_npz
from vlplugins.utils.records import RecordError, SkipCounter


def average_over_lines(snippets: np.ndarray, centres: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Features of lines.

    Args:
        snippets: ``[T, D]``.
        centres: ``[T]`` seconds, ascending.
        times: ``[N, 2]`` seconds on the same clock.

    Returns:
        float32 ``[N, D]``.
    """
    sums = np.concatenate([np.zeros((1, snippets.shape[1])), np.cumsum(snippets, axis=0, dtype=np.float64)])
    first = np.searchsorted(centres, times[:, 0], side='left')
    after = np.searchsorted(centres, times[:, 1], side='right')
    counts = after - first
    means = (sums[after] - sums[first]) / np.maximum(counts, 1)[:, None]
    nearest = np.abs(centres[None] - times.mean(axis=1, keepdims=True)).argmin(axis=1)
    return np.where(counts[:, None] > 0, means, snippets[nearest]).astype(np.float32)


def extract_film(
    path: Path, clips: List[Dict[str, Any]], offsets: Dict[str, float], seconds: float, skipped: SkipCounter
) -> Dict[str, np.ndarray]:
    """Features of the clips of a film by their name.

    Raises:
        RecordError: features that are no finite ``[T, D]``, or a clip that begins behind their end.
    """
    snippets = np.load(path, mmap_mode='r', allow_pickle=False)
    if snippets.ndim != 2 or not len(snippets):
        raise RecordError(path, f'an array {snippets.shape}', 'snippet features [T, D]')
    centres = (np.arange(len(snippets)) + 0.5) * seconds
    arrays = {}
    for clip in clips:
        begin = offsets.get(clip['video_id'])
        if begin is None:
            skipped.add('without an offset')
            continue
        times = clip['times'] + float(begin)
        if times[:, 0].min() > centres[-1] + seconds:
            raise RecordError(
                path, f'{centres[-1]:.0f} s of features', f'a clip at {times.min():.0f} s', clip['video_id']
            )
        low, high = np.searchsorted(centres, (times.min() - seconds, times.max() + seconds))
        low, high = max(low - 1, 0), high + 1
        part = np.asarray(snippets[low:high], dtype=np.float32)
        if not np.isfinite(part).all():
            raise RecordError(path, 'values that are not finite', 'finite features', clip['video_id'])
        arrays[clip['clip']] = average_over_lines(part, centres[low:high], times).astype(np.float16)
    return arrays


def group_by_film(paths: List[str]) -> Dict[str, List[Dict[str, Any]]]:
    """Clips of annotation files by film."""
    films: Dict[str, List[Dict[str, Any]]] = {}
    for clip in (clip for path in paths for clip in TELFile(path).clips):
        films.setdefault(clip['imdb'], []).append(clip)
    return films


def parse(argv: Optional[List[str]]) -> Tuple[argparse.Namespace, float]:
    """Arguments, and the seconds of a snippet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--ann-file', nargs='+', required=True, help='released or converted annotations')
    parser.add_argument('--features', type=Path, required=True, help='folder of {film}.npy, [T, D]')
    parser.add_argument('--offsets', required=True, help='JSON dict from "{film}/{clip}" to seconds')
    parser.add_argument('--stride', type=float, required=True, help='frames of a snippet')
    parser.add_argument('--fps', type=float, required=True, help='frames of a second')
    parser.add_argument('--out', type=Path, required=True, help='folder to write {film}.npz to')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args(argv)
    if args.stride <= 0 or args.fps <= 0:
        raise UsageError(f'--stride {args.stride} and --fps {args.fps} must be positive')
    return args, args.stride / args.fps


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Extract."""
    args, seconds = parse(argv)
    offsets = read_json(args.offsets, 'a dict from clip to seconds')
    skipped, written = SkipCounter('clips'), 0
    for film, clips in tqdm(group_by_film(args.ann_file).items(), desc='films', file=sys.stdout):
        path = args.features / f'{film}.npy'
        if not path.is_file():
            for _ in clips:
                skipped.add('of films without features')
            continue
        arrays = extract_film(path, clips, offsets, seconds, skipped)
        write_npz(args.out / f'{film}.npz', arrays)
        written += len(arrays)
    print(f'{written + skipped.total} clips read, {written} written to {args.out}; {skipped.summary()}')


if __name__ == '__main__':
    main()
