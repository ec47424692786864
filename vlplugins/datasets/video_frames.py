"""Frames of a video as records that are made when they are asked for."""

import os.path as osp
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Union

import numpy as np


class FramePaths(NamedTuple):
    """Paths of the frames of a folder, by number.

    Attributes:
        folder: The folder.
        pattern: Name of a frame, such as ``'%08d.jpg'``.
        first: Number of the first frame.
        length: Frames.
    """

    folder: str
    pattern: str
    first: int
    length: int

    def path(self, frame: int) -> str:
        """Path of a frame, counted from 0."""
        return osp.join(self.folder, self.pattern % (self.first + frame))


class VideoFrames(Sequence):
    """Frames with their objects; a frame is a dict as pipelines take it.

    It has ``img_path``, ``img_id``, ``frame_id`` (from 0), ``gt_bboxes`` float32 ``[N, 4]`` (xyxy in pixels),
    ``gt_bboxes_labels`` and ``gt_instances_ids`` int64 ``[N]``, and what is given as ``extras``.

    Args:
        paths: Paths of the frames.
        boxes: Boxes of all frames, ``[M, 4]`` (xyxy).
        counts: Objects of each frame, ``[T]``.
        labels: ``[M]``.
        ids: ``[M]``, equal for one object in several frames.
        first_id: ``img_id`` of the first frame.
        extras: More values by name, with one for each frame.

    Raises:
        ValueError: counts that do not fit.
    """

    def __init__(
        self,
        paths: Union[FramePaths, List[str]],
        boxes: np.ndarray,
        counts: np.ndarray,
        labels: np.ndarray,
        ids: np.ndarray,
        first_id: int = 0,
        extras: Optional[Dict[str, Sequence[Any]]] = None,
    ) -> None:
        self.length = paths.length if isinstance(paths, FramePaths) else len(paths)
        if not (len(counts) == self.length and len(boxes) == len(labels) == len(ids) == sum(counts)):
            raise ValueError(
                f'{len(boxes)} boxes, {len(labels)} labels and {len(ids)} ids for {sum(counts)} objects in '
                f'{len(counts)} of {self.length} frames'
            )
        self.paths, self.first_id, self.extras = paths, first_id, extras or {}
        self.boxes = np.asarray(boxes, dtype=np.float32).reshape(-1, 4)
        self.labels, self.ids = np.asarray(labels, dtype=np.int64), np.asarray(ids, dtype=np.int64)
        self.ends = np.cumsum(counts).astype(np.int64)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, frame: int) -> Dict[str, Any]:
        if not 0 <= frame < self.length:
            raise IndexError(f'frame {frame} of {self.length}')
        path = self.paths.path(frame) if isinstance(self.paths, FramePaths) else self.paths[frame]
        objects = np.s_[(self.ends[frame - 1] if frame else 0) : self.ends[frame]]
        record = dict(
            img_path=path,
            img_id=self.first_id + frame,
            frame_id=frame,
            gt_bboxes=self.boxes[objects],
            gt_bboxes_labels=self.labels[objects],
            gt_instances_ids=self.ids[objects],
        )
        record.update({name: values[frame] for name, values in self.extras.items()})
        return record

    @property
    def occupied(self) -> np.ndarray:
        """Booleans ``[T]``: frames with an object."""
        return np.diff(self.ends, prepend=0) > 0
