"""The sample of temporal localisation: segments of a clip, what happens in them, and what a model says of it."""

from typing import Any, Dict, Tuple

from mmengine.structures import BaseDataElement

# Letters stand for sizes that the fields of one sample share: N segments, C classes, S statements, M events, K parts of
# a clip.
_SHAPES: Dict[str, Tuple] = dict(
    times=('N', 2),
    gt_labels=('C',),
    gt_label_counts=('C',),
    gt_segments=('N', 'C'),
    segment_scores=('N', 'C'),
    clip_scores=('C',),
    gt_intervals=('G', 2),
    gt_label=('S',),
    gt_evidence=('S', 2),
    pred_score=('S',),
    pred_label=('S',),
    event_scores=('S', 'M'),
    evidence=('S', 'M', 'K', 2),
    segment_times=('K', 2),
)


class TemporalDataSample(BaseDataElement):
    """A clip of N segments (subtitle lines, snippets) and C classes.

    Data fields: ``times`` (float ``[N, 2]``, start and end in seconds from the start of the clip), ``gt_labels``
    (float ``[C]``, 1 for what occurs in the clip), ``gt_label_counts`` (int64 ``[C]``), ``gt_segments`` (booleans
    ``[N, C]``, where it occurs); after prediction ``segment_scores`` (``[N, C]``, 0..1), ``clip_scores`` (``[C]``,
    0..1) and ``pred_instances``, an ``InstanceData`` of ``segments [M, 2]`` in seconds, ``lines [M, 2]`` (first and
    last segment, both inside), ``labels [M]`` and ``scores [M]``, ``branch_scores`` (``{modality: [N, C]}``) and
    ``granularity_weights`` (``{modality: [N, G]}``).

    Of a query about a video: ``gt_intervals`` (float ``[G, 2]``, the seconds that it describes); after prediction
    ``pred_instances`` with ``segments [M, 2]`` and ``scores [M]``, best first, and, where it is asked for,
    ``correspondence``: how much of each node of the query is at P positions, ``action [A, P]``, ``atom [O, P, K]`` and
    ``event [P, P]`` (segments from i to the end of j).

    Of S statements about a video: ``gt_label`` (int64 ``[S]``, 1 for what follows from it), ``gt_evidence`` (``[S, 2]``
    seconds where it is seen, NaN where that is not known); after prediction ``pred_score`` (``[S]``, 0..1),
    ``pred_label`` (``[S]``), ``event_scores`` (``[S, M]``, NaN for events that a statement lacks), ``segment_times``
    (``[K, 2]``) and ``evidence`` (``[S, M, K, 2]``: how much each event looks at the frames and at the words of each
    of K parts of the video; sums to 1).

    Meta information: ``video_id``, ``sample_idx``, ``subtitles`` (N strings); ``query_id``, ``sentence``, ``split``,
    ``duration`` (seconds), ``novel``, ``graph``; ``statements``, ``pair_indices``, ``polarities`` (0 for what follows),
    ``groups`` (a dict for each statement), ``source``.

    Raises:
        ValueError: a field whose sizes are not those of the others.
    """

    def set_field(self, value: Any, name: str, *args: Any, **kwargs: Any) -> None:
        """Set a field after its shape has been compared with those of the others."""
        if name in _SHAPES and hasattr(value, 'shape'):
            self._check_shape(name, tuple(value.shape))
        super().set_field(value, name, *args, **kwargs)

    def _check_shape(self, name: str, shape: Tuple[int, ...]) -> None:
        expected = _SHAPES[name]
        if len(shape) != len(expected) or any(isinstance(e, int) and e != s for e, s in zip(expected, shape)):
            raise ValueError(f'{name} has the shape {shape}; expected {list(expected)}')
        for letter, size in zip(expected, shape):
            known = self.sizes(letter, without=name)
            for other, its_size in known.items():
                if its_size != size:
                    raise ValueError(f'{name} {shape} has {letter} = {size}, but {other} has {its_size}')

    def sizes(self, letter: Any, without: str = '') -> Dict[str, int]:
        """Size of a letter by the fields that are set."""
        found = {}
        for name, letters in _SHAPES.items():
            if name != without and letter in letters and name in self and not isinstance(letter, int):
                found[name] = self.get(name).shape[letters.index(letter)]
        return found
