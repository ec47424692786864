"""Accuracy of video-and-language inference, overall and for each kind of statement."""

from collections import defaultdict
from typing import Any, Dict, List, Optional, Sequence

import numpy as np
import torch
from mmengine.evaluator import BaseMetric

from vlplugins.evaluation.functional.entailment import binary_cross_entropy, entailment_accuracy, paired_accuracy
from vlplugins.evaluation.functional.temporal import pairwise_temporal_iou
from vlplugins.registry import METRICS


@METRICS.register_module()
class VideoLanguageInferenceMetric(BaseMetric):
    """Per cent, means over statements, each judged alone.

    ``accuracy``, ``acc_real``, ``acc_fake``; ``loss``; for pairs that are complete ``pair_accuracy`` and
    ``consistency``, which are not comparable with published figures; for each kind of statement
    ``<group>/<kind>/accuracy`` and ``num``, a statement of several kinds in each. Where the samples tell where a
    statement is seen, ``evidence``: the segment that its first event looks at most overlaps with that by half or more
    (``evidence/<kind>`` for each kind of the group ``type``). Statements that a padded sampler repeats count once.

    Args:
        groups: Groups of kinds that are reported, where the samples have them.
        threshold: Score from which a statement counts as entailed.
        collect_device: As in MMEngine's ``BaseMetric``.
        prefix: As in MMEngine's ``BaseMetric``.
    """

    default_prefix = 'violin'

    def __init__(
        self,
        groups: Sequence[str] = (
            'source', 'type', 'edit', 'events', 'connective', 'negated', 'speech', 'statement_words',
        ),
        threshold: float = 0.5,
        collect_device: str = 'cpu',
        prefix: Optional[str] = None,
    ) -> None:  # fmt: skip
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.groups, self.threshold = tuple(groups), threshold

    def process(self, data_batch: Any, data_samples: Sequence[Any]) -> None:
        """Keep what a batch says of its statements.

        Args:
            data_batch: Not used.
            data_samples: :class:`TemporalDataSample`, or dicts of them, with ``pred_score [S]``, ``gt_label [S]`` and
                the meta information ``video_id``, ``pair_indices``, ``polarities`` and ``groups``.
        """
        for sample in data_samples:
            get = sample.get
            scores, labels = _array(get('pred_score')), _array(get('gt_label'))
            hits = self._evidence(sample)
            groups = get('groups') or [{}] * len(scores)
            rows = zip(get('pair_indices'), get('polarities'), scores.tolist(), labels.tolist(), groups, hits)
            # One entry for each item: MMEngine cuts the list at the number of items.
            self.results.append([dict(key=(get('video_id'), pair, polarity), score=score, label=label, hit=hit,
                                      groups={name: kinds[name] for name in self.groups if name in kinds})
                                 for pair, polarity, score, label, kinds, hit in rows])  # fmt: skip

    @staticmethod
    def _evidence(sample: Any) -> List[Optional[bool]]:
        """For each statement whether the segment that matters most is the right one; ``None`` where none is known."""
        truth, evidence = sample.get('gt_evidence'), sample.get('evidence')
        if truth is None or evidence is None:
            return [None] * len(_array(sample.get('pred_score')))
        truth, best = _array(truth), _array(evidence)[:, 0].sum(axis=-1).argmax(axis=-1)
        found = _array(sample.get('segment_times'))[best]
        overlaps = [float(pairwise_temporal_iou(found[i : i + 1], truth[i : i + 1])[0, 0]) for i in range(len(truth))]
        return [None if np.isnan(true[0]) else overlap >= 0.5 for true, overlap in zip(truth, overlaps)]

    def compute_metrics(self, results: List[List[dict]]) -> Dict[str, float]:
        """All scores of all statements."""
        rows = list({row['key']: row for rows in results for row in rows}.values())
        scores, labels = (np.array([row[name] for row in rows]) for name in ('score', 'label'))
        metrics = entailment_accuracy(scores, labels, self.threshold)
        metrics['loss'] = binary_cross_entropy(scores, labels)
        metrics.update(self._pairs(rows))
        members: Dict[str, List[int]] = defaultdict(list)
        for index, row in enumerate(rows):
            for group, kinds in row['groups'].items():
                for kind in kinds:
                    members[f'{group}/{kind}'].append(index)
        for name in sorted(members):
            chosen = members[name]
            part = entailment_accuracy(scores[chosen], labels[chosen], self.threshold)
            metrics[f'{name}/accuracy'], metrics[f'{name}/num'] = part['accuracy'], float(len(chosen))
        metrics.update(_hits(rows))
        return metrics

    def _pairs(self, rows: List[dict]) -> Dict[str, float]:
        sides: Dict[Any, Dict[int, float]] = defaultdict(dict)
        for row in rows:
            clip, pair, polarity = row['key']
            sides[clip, pair][polarity] = row['score']
        whole = [pair for pair in sides.values() if len(pair) == 2]
        if not whole:
            return {}
        return paired_accuracy(
            np.array([pair[0] for pair in whole]), np.array([pair[1] for pair in whole]), self.threshold
        )


def _hits(rows: List[dict]) -> Dict[str, float]:
    hits: Dict[str, List[bool]] = defaultdict(list)
    for row in rows:
        if row['hit'] is not None:
            for name in ('evidence', *(f'evidence/{kind}' for kind in row['groups'].get('type', ()))):
                hits[name].append(row['hit'])
    return {name: 100.0 * float(np.mean(each)) for name, each in sorted(hits.items())}


def _array(value: Any) -> np.ndarray:
    return value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
