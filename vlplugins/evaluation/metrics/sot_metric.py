"""Success and precision of tracking a single object, as LaSOT and TrackingNet judge."""

from typing import Any, Dict, List, Sequence

import numpy as np

from vlplugins.evaluation.functional.single_object_tracking import (
    judge_track,
    nearer_to_target,
    refinements,
    repair_track,
)
from vlplugins.evaluation.metrics.sequence_metric import SequenceMetric, TrackOfVideo, of_sequence
from vlplugins.registry import METRICS

_MEASURES = ('success', 'OP50', 'OP75', 'precision', 'norm_precision')


@METRICS.register_module()
class SOTMetric(SequenceMetric):
    """``success``, ``OP50``, ``OP75``, ``precision`` and ``norm_precision``, in per cent, means over sequences.

    See ``vlplugins.evaluation.functional.single_object_tracking.judge_track``. The files of results are
    ``<sequence>.txt`` with ``x,y,width,height`` a line. Where the set has boxes of other objects (``distractors``),
    also ``discrimination``: the share of frames in which the box is nearer to the target than to any of them (chance
    with one is 50). Where predictions have ``proposals``, also ``refinement``: by how much their overlap is above that
    of these, in per cent, of all visible frames together.

    Args:
        metrics: Which of the measures.
        norm_precision: ``'at0.2'``, or ``'auc'`` (the toolkit of LaSOT).
        with_frozen: Also ``frozen/...``: what the first box gives when it is kept in all frames.
        min_distance: Frames in which another object is nearer to the target, in its sizes, do not count for
            discrimination.
        kwargs: See :class:`SequenceMetric`.

    Raises:
        ValueError: an unknown measure, or as :class:`SequenceMetric`.
    """

    def __init__(
        self,
        metrics: Sequence[str] = _MEASURES,
        norm_precision: str = 'at0.2',
        with_frozen: bool = False,
        min_distance: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        unknown = sorted(set(metrics) - set(_MEASURES))
        if unknown or norm_precision not in ('at0.2', 'auc'):
            raise ValueError(
                f'metrics {unknown} or norm_precision {norm_precision!r} are unknown; expected some of {_MEASURES}, '
                "and 'at0.2' or 'auc'"
            )
        self.metrics, self.norm_precision = tuple(metrics), norm_precision
        self.with_frozen, self.min_distance = with_frozen, min_distance

    def judge(self, tracks: List[TrackOfVideo]) -> Dict[str, float]:
        """Measures of the predictions, and of the first boxes."""
        measures = self._judge(tracks)
        if self.with_frozen:
            frozen = [
                track._replace(boxes=np.repeat(track.truth[:1], len(track.truth), axis=0), proposals=None)
                for track in tracks
            ]
            measures.update({f'frozen/{name}': value for name, value in self._judge(frozen).items()})
        return measures

    def _judge(self, tracks: List[TrackOfVideo]) -> Dict[str, float]:
        rows = [
            of_sequence(each.name, judge_track, each.boxes, each.truth, each.visible, self.norm_precision)
            for each in tracks
        ]
        measures = {name: float(np.mean([row[name] for row in rows])) for name in self.metrics}
        told = [
            nearer_to_target(
                repair_track(each.boxes, each.truth[0]), each.truth, each.others, each.visible, self.min_distance
            )
            for each in tracks
            if each.others is not None
        ]
        if told and len(np.concatenate(told)):
            measures['discrimination'] = 100 * float(np.concatenate(told).mean())
        refined = [
            refinements(each.boxes, each.proposals, each.truth, each.visible)
            for each in tracks
            if each.proposals is not None
        ]
        if refined and len(np.concatenate(refined)):
            measures['refinement'] = 100 * float(np.concatenate(refined).mean())
        return measures

    def format(self, track: TrackOfVideo) -> Dict[str, str]:
        """``<sequence>.txt``."""
        boxes = of_sequence(track.name, repair_track, track.boxes, track.truth[0])
        lines = (','.join(f'{value:.4f}' for value in box) for box in boxes)
        return {f'{track.name.rsplit("/", 1)[-1]}.txt': '\n'.join(lines) + '\n'}
