"""Which detection is which object: identities of a tracker of many objects, frame by frame."""

from typing import List, Optional

import numpy as np
from mmdet.models.task_modules.tracking import KalmanFilter

from vlplugins.models.task_modules.assignment import NEVER, match, pair_ious
from vlplugins.models.task_modules.tracks import Detections, Tracks
from vlplugins.registry import TASK_UTILS


def _costs(overlaps: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """``1 - overlaps``, and never a pair of two classes."""
    return np.where(first[:, None] == second[None], 1 - overlaps, NEVER)


@TASK_UTILS.register_module()
class GIoUAssociator:
    """One assignment of tracked boxes and detections by their overlap (the ``simple`` associator of the release).

    A matched object takes the box of its detection. One that is not matched is lost: it keeps its last box, is not
    written, and is followed for ``max_age`` more frames, within which it can return. A detection without object is a
    new one. There is no motion model: where an object is looked for is where it was.

    Args:
        det_thr: Score that a detection must exceed.
        generalised: Costs of ``1 - GIoU``, 0 to 2; otherwise of ``1 - IoU``.
        max_cost: The highest cost of a match. The paper's "IoU threshold 0.9" is 0.9 with ``generalised=False``.
        max_age: Frames that a lost object lives.
    """

    def __init__(
        self, det_thr: float = 0.4, generalised: bool = True, max_cost: float = 1.2, max_age: int = 10
    ) -> None:
        self.det_thr, self.generalised = det_thr, generalised
        self.max_cost, self.max_age = max_cost, max_age

    def propose(self, tracks: Tracks) -> np.ndarray:
        """Boxes ``[N, 4]`` at which to look for the objects."""
        return tracks.boxes

    def update(
        self, tracks: Tracks, tracked: np.ndarray, scores: Optional[np.ndarray], found: Detections, frame: int
    ) -> Tracks:
        """The objects after a frame.

        Args:
            tracks: The objects before it.
            tracked: Where the tracker found each, ``[N, 4]``.
            scores: How sure it is, ``[N]``; not read here.
            found: Detections of the frame.
            frame: Number of the frame.
        """
        found = found.select(found.scores > self.det_thr)
        tracks = tracks.grown()
        overlaps = pair_ious(tracked, found.boxes, self.generalised)
        row, column = match(_costs(overlaps, tracks.labels, found.labels), self.max_cost)
        tracks.see(row, found.select(column))
        alone = np.setdiff1d(np.arange(len(found.boxes)), column)
        tracks = tracks.select(tracks.age <= self.max_age)
        return tracks.born_from(found.select(alone), frame, confirmed=True)

    def visible(self, tracks: Tracks) -> np.ndarray:
        """Indices of the objects that are written in this frame."""
        return np.flatnonzero(tracks.age == 0)


@TASK_UTILS.register_module()
class ByteAssociator:
    """Detections by turns, the sure ones first, with a motion model (ByteTrack, as the release of UTT has it).

    A Kalman filter says where the objects should be; the tracker starts there. Its own box takes the place of the
    filter's where it is sure of it. Then: sure detections and all confirmed objects, by ``1 - IoU * score``; unsure
    detections and the objects that are left, unless lost; sure detections that are left and objects one frame old. What
    is then left of these objects goes; what is left of the detections becomes new objects.

    Args:
        high_thr: Score that sure detections exceed.
        low_thr: Score that unsure ones exceed.
        new_thr: Score that starts an object.
        track_score_thr: Score above which the box of the tracker replaces that of the filter; without scores it always
            does.
        max_costs: The highest costs of a match with sure detections, with unsure ones, and of objects one frame old.
        max_age: Frames that a lost object lives.
        duplicate_cost: An object that is seen and a lost one with less than this ``1 - IoU`` are one: the younger goes.
    """

    def __init__(
        self,
        high_thr: float = 0.4,
        low_thr: float = 0.2,
        new_thr: float = 0.5,
        track_score_thr: float = 0.9,
        max_costs: tuple = (0.9, 0.5, 0.7),
        max_age: int = 30,
        duplicate_cost: float = 0.15,
    ) -> None:
        self.high_thr, self.low_thr, self.new_thr = high_thr, low_thr, new_thr
        self.track_score_thr, self.max_costs = track_score_thr, tuple(max_costs)
        self.max_age, self.duplicate_cost = max_age, duplicate_cost
        self.motion = KalmanFilter()

    def propose(self, tracks: Tracks) -> np.ndarray:
        """Boxes ``[N, 4]`` at which to look for the objects: those that the filter predicts, which it moves on."""
        for index in np.flatnonzero(tracks.confirmed):
            mean = tracks.mean[index].copy()
            if tracks.age[index] > 0:
                mean[7] = 0  # a lost object grows no further
            tracks.mean[index], tracks.covariance[index] = self.motion.predict(mean, tracks.covariance[index])
        return _boxes_of(tracks.mean)

    def update(
        self, tracks: Tracks, tracked: np.ndarray, scores: Optional[np.ndarray], found: Detections, frame: int
    ) -> Tracks:
        """The objects after a frame; arguments as in :class:`GIoUAssociator`."""
        sure = np.ones(len(tracks), dtype=bool) if scores is None else scores > self.track_score_thr
        boxes = np.where(sure[:, None], tracked, _boxes_of(tracks.mean))
        tracks = tracks.grown()
        was_seen = tracks.age == 1
        high = np.flatnonzero(found.scores > self.high_thr)
        low = np.flatnonzero((found.scores > self.low_thr) & (found.scores <= self.high_thr))
        pools = [tracks.confirmed, tracks.confirmed & was_seen, ~tracks.confirmed]
        high = self._round(tracks, boxes, pools[0], found, high, self.max_costs[0], weighted=True)
        self._round(tracks, boxes, pools[1] & (tracks.age > 0), found, low, self.max_costs[1], weighted=False)
        high = self._round(tracks, boxes, pools[2], found, high, self.max_costs[2], weighted=True)
        tracks.confirmed |= tracks.age == 0
        tracks = tracks.select(tracks.confirmed & (tracks.age <= self.max_age))
        new = found.select(high[found.scores[high] >= self.new_thr])
        tracks = self._without_duplicates(tracks.born_from(new, frame, confirmed=frame == 0), frame)
        for index in np.flatnonzero(tracks.parent < 0):
            tracks.mean[index], tracks.covariance[index] = self.motion.initiate(_measure(tracks.boxes[index]))
        return tracks

    def visible(self, tracks: Tracks) -> np.ndarray:
        """Indices of the objects that are written in this frame."""
        return np.flatnonzero((tracks.age == 0) & tracks.confirmed)

    def _round(
        self,
        tracks: Tracks,
        boxes: np.ndarray,
        pool: np.ndarray,
        found: Detections,
        chosen: np.ndarray,
        limit: float,
        weighted: bool,
    ) -> np.ndarray:
        """Match the objects of ``pool`` with the detections ``chosen``; returns those that are left of these."""
        pool = np.flatnonzero(pool)
        overlaps = pair_ious(boxes[pool], found.boxes[chosen])
        overlaps = overlaps * found.scores[chosen] if weighted else overlaps
        row, column = match(_costs(overlaps, tracks.labels[pool], found.labels[chosen]), limit, jointly=True)
        tracks.see(pool[row], found.select(chosen[column]))
        for index in pool[row]:
            state = self.motion.update(tracks.mean[index], tracks.covariance[index], _measure(tracks.boxes[index]))
            tracks.mean[index], tracks.covariance[index] = state
        return np.delete(chosen, column)

    def _without_duplicates(self, tracks: Tracks, frame: int) -> Tracks:
        """Of each pair of a seen and a lost object in one place, the one that lived longer."""
        seen, lost = np.flatnonzero(tracks.age == 0), np.flatnonzero(tracks.age > 0)
        where = np.where((tracks.age > 0)[:, None], _boxes_of(tracks.mean), tracks.boxes)
        costs = _costs(pair_ious(where[seen], where[lost]), tracks.labels[seen], tracks.labels[lost])
        row, column = np.nonzero(costs < self.duplicate_cost)
        lived = frame - tracks.age - tracks.born
        gone: List[int] = np.where(lived[seen[row]] > lived[lost[column]], lost[column], seen[row]).tolist()
        return tracks.select(np.setdiff1d(np.arange(len(tracks)), gone))


def _measure(box: np.ndarray) -> np.ndarray:
    """Centre, ratio of width to height, and height, as the filter wants them."""
    width, height = np.maximum(box[2:] - box[:2], 1.0)
    return np.array([*(box[:2] + box[2:]) / 2, width / height, height])


def _boxes_of(mean: np.ndarray) -> np.ndarray:
    """Boxes ``[N, 4]`` of states ``[N, 8]``; a filter may predict sides of less than nothing, which become a pixel."""
    height = mean[:, 3].clip(min=1.0)
    sides = np.stack([(mean[:, 2] * height).clip(min=1.0), height], axis=1)
    return np.concatenate([mean[:, :2] - sides / 2, mean[:, :2] + sides / 2], axis=1)
