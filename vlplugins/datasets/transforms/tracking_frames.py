"""Frames of a video: which are taken, and reading them with what belongs to them."""

from collections import OrderedDict
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, List, Tuple

import numpy as np
from mmcv.transforms import BaseTransform

from vlplugins.datasets.formats.images import read_image
from vlplugins.datasets.formats.tracking_files import read_mot_table
from vlplugins.registry import TRANSFORMS
from vlplugins.utils.records import RecordError


@TRANSFORMS.register_module()
class SampleClipFrames(BaseTransform):
    """Takes a few frames of a video in which a target is visible; each value of a frame becomes a list.

    A frame is drawn, and the others, each for itself and perhaps the same, among those at most ``max_gap`` before or
    after it; they are put into the order of time. Where no other visible frame is so near, the gap grows. A video with
    one visible frame (an image) gives it several times.

    Needs ``images`` and ``visible`` of a record. Returns ``None`` for a video without visible frames.

    Args:
        num_frames: Frames of a clip.
        max_gap: Greatest distance from the first frame that is drawn.
        growth: By how much the gap grows.
        rng: Source of random numbers: a ``numpy.random.Generator``, or the module ``numpy.random``.

    Raises:
        ValueError: numbers below 1.
    """

    def __init__(self, num_frames: int = 2, max_gap: int = 200, growth: int = 5, rng: Any = np.random) -> None:
        if min(num_frames, max_gap, growth) < 1:
            raise ValueError(f'num_frames {num_frames}, max_gap {max_gap} and growth {growth} must be 1 or more')
        self.num_frames, self.max_gap, self.growth, self.rng = num_frames, max_gap, growth, rng

    def transform(self, results: Dict[str, Any]) -> Any:
        """Take the frames; the record's other values are dropped, except ``video_id`` and the length."""
        visible = np.flatnonzero(results['visible'])
        if not len(visible):
            return None
        frames = [results['images'][frame] for frame in self.choose(visible)]
        clip = {name: [frame[name] for frame in frames] for name in frames[0]}
        clip['video_id'] = [results['video_id']] * self.num_frames
        clip['video_length'] = [self.num_frames] * self.num_frames
        clip['ori_video_length'] = [results['video_length']] * self.num_frames
        return clip

    def choose(self, visible: np.ndarray) -> List[int]:
        """Draw from the visible frames, in ascending order."""
        base = visible[int(self.rng.random() * len(visible))]
        others = visible[visible != base]
        if len(others):
            distance, gap = np.abs(others - base), self.max_gap
            if distance.min() > gap:
                gap += self.growth * int(np.ceil((distance.min() - gap) / self.growth))
            others = others[distance <= gap]
        else:
            others = visible
        drawn = others[(self.rng.random(self.num_frames - 1) * len(others)).astype(int)]
        return sorted([int(base), *drawn.tolist()])


@TRANSFORMS.register_module()
class LoadFrames(BaseTransform):
    """Reads the images of ``img_path``, a list; sets ``img`` (uint8 BGR ``[H, W, 3]``), ``img_shape``, ``ori_shape``.

    Args:
        cache_size: Images that are kept in memory, by each process, for small sets; they must not be written into.

    Raises:
        RecordError: (when called) a missing or damaged file.
    """

    def __init__(self, cache_size: int = 0) -> None:
        self.cache_size = cache_size
        self._kept: OrderedDict[str, np.ndarray] = OrderedDict()

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Read the images."""
        images = [self._read(path) for path in results['img_path']]
        shapes = [image.shape[:2] for image in images]
        return dict(results, img=images, img_shape=shapes, ori_shape=list(shapes))

    def _read(self, path: str) -> np.ndarray:
        if path in self._kept:
            return self._kept[path]
        image = read_image(path)
        if self.cache_size:
            image.flags.writeable = False
            self._kept[path] = image
            if len(self._kept) > self.cache_size:
                self._kept.popitem(last=False)
        return image

    def __repr__(self) -> str:
        return f'{type(self).__name__}(cache_size={self.cache_size})'


@TRANSFORMS.register_module()
class LoadPublicDetections(BaseTransform):
    """Reads what a given detector found in each frame: ``public_bboxes``, ``public_scores``, ``public_labels``.

    They are lists with arrays ``[N, 4]`` (xyxy in original pixels), ``[N]`` and ``[N]`` (all 0) for each frame, which
    may be empty. Frames are numbered as ``mot_frame_id`` says, or from 1 in the order of ``frame_id``.

    Args:
        file: Where the detections lie, from the folder of the sequence: ``'det/det.txt'`` of MOT Challenge. The images
            of a sequence lie in a folder of their own within it.
        min_score: Detections with less are left out.

    Raises:
        RecordError: (when called) a missing or damaged file.
    """

    def __init__(self, file: str = 'det/det.txt', min_score: float = float('-inf')) -> None:
        self.file, self.min_score = file, min_score

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Add the detections of the frames."""
        numbers = results.get('mot_frame_id') or [frame + 1 for frame in results['frame_id']]
        boxes, scores = [], []
        for path, number in zip(results['img_path'], numbers):
            table = _detections_of(Path(path).parents[1] / self.file)
            found, sure = table.get(number, (np.zeros((0, 4), np.float32), np.zeros(0, np.float32)))
            kept = sure >= self.min_score
            boxes.append(found[kept])
            scores.append(sure[kept])
        labels = [np.zeros(len(each), dtype=np.int64) for each in scores]
        return dict(results, public_bboxes=boxes, public_scores=scores, public_labels=labels)

    def __repr__(self) -> str:
        return f'{type(self).__name__}(file={self.file!r}, min_score={self.min_score})'


def _detections_of(path: Path) -> Dict[int, Tuple[np.ndarray, np.ndarray]]:
    # A set that was written anew is read anew.
    stamp = path.stat().st_mtime_ns if path.is_file() else 0
    return _detections_by_frame(str(path), stamp)


@lru_cache(maxsize=8)
def _detections_by_frame(path: str, stamp: int) -> Dict[int, Tuple[np.ndarray, np.ndarray]]:
    table = read_mot_table(path, unique=False)
    bad = np.flatnonzero((table.boxes[:, 2:] <= 0).any(axis=1))
    if len(bad):
        box = table.boxes[bad[0]].tolist()
        raise RecordError(path, f'a box {box}', 'x, y, width, height with area', f'row {bad[0] + 1}')
    boxes = table.boxes.astype(np.float32)
    boxes[:, 2:] += boxes[:, :2]
    order = np.argsort(table.frame, kind='stable')
    frames, starts = np.unique(table.frame[order], return_index=True)
    parts = zip(np.split(boxes[order], starts[1:]), np.split(table.confidence[order].astype(np.float32), starts[1:]))
    return dict(zip(frames.tolist(), parts))
