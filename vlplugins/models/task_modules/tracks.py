"""Objects that are followed through a video, and what is seen of them in a frame."""

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np


class Detections(NamedTuple):
    """What is seen in a frame: ``boxes [D, 4]`` xyxy in pixels, ``scores [D]``, ``labels [D]``."""

    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray

    def select(self, index: np.ndarray) -> 'Detections':
        """Some of them, by indices or booleans."""
        return Detections(*(each[index] for each in self))


def _empty(*shape: int, dtype: type = np.float64) -> np.ndarray:
    return field(default_factory=lambda: np.zeros(shape, dtype=dtype))


@dataclass
class Tracks:
    """N objects that are followed, and the next free identity.

    Attributes:
        ids: Identities from 1.
        boxes: Where each was last seen, xyxy ``[N, 4]``.
        scores: Of the detection of that moment.
        labels: Classes.
        age: Frames since then; 0 for those seen in this frame.
        born: Frame of the first detection.
        confirmed: Whether each is taken for real.
        parent: Index of each in the tracks of the frame before; -1 for new ones.
        mean: State of a motion model, ``[N, 8]``.
        covariance: Its uncertainty, ``[N, 8, 8]``.
        next_id: The next free identity.
    """

    ids: np.ndarray = _empty(0, dtype=np.int64)
    boxes: np.ndarray = _empty(0, 4)
    scores: np.ndarray = _empty(0)
    labels: np.ndarray = _empty(0, dtype=np.int64)
    age: np.ndarray = _empty(0, dtype=np.int64)
    born: np.ndarray = _empty(0, dtype=np.int64)
    confirmed: np.ndarray = _empty(0, dtype=bool)
    parent: np.ndarray = _empty(0, dtype=np.int64)
    mean: np.ndarray = _empty(0, 8)
    covariance: np.ndarray = _empty(0, 8, 8)
    next_id: int = 1

    def __len__(self) -> int:
        return len(self.ids)

    def arrays(self) -> dict:
        """The fields with one entry for each object."""
        return {name: value for name, value in vars(self).items() if name != 'next_id'}

    def select(self, index: np.ndarray) -> 'Tracks':
        """Some of them, by indices or booleans."""
        return replace(self, **{name: value[index] for name, value in self.arrays().items()})

    def grown(self) -> 'Tracks':
        """A frame later: all a frame older, each its own parent."""
        fields = {name: value.copy() for name, value in self.arrays().items()}
        fields.update(age=self.age + 1, parent=np.arange(len(self)))
        return replace(self, **fields)

    def see(self, index: np.ndarray, found: Detections) -> None:
        """Take detections for the objects of ``index``."""
        self.boxes[index], self.scores[index], self.age[index] = found.boxes, found.scores, 0

    def born_from(self, found: Detections, frame: int, confirmed: bool) -> 'Tracks':
        """These, and new objects of detections behind them."""
        count = len(found.boxes)
        new = dict(
            ids=self.next_id + np.arange(count),
            boxes=found.boxes,
            scores=found.scores,
            labels=found.labels,
            age=np.zeros(count, dtype=np.int64),
            born=np.full(count, frame),
            confirmed=np.full(count, confirmed),
            parent=np.full(count, -1),
            mean=np.zeros((count, 8)),
            covariance=np.zeros((count, 8, 8)),
        )
        joined = {name: np.concatenate([value, new[name]]) for name, value in self.arrays().items()}
        return replace(self, next_id=self.next_id + count, **joined)
