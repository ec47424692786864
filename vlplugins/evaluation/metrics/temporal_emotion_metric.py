"""Localisation of what happens when, with the chance level of each number."""

import logging
import sys
from typing import Any, Dict, List, Optional, Sequence

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from vlplugins.evaluation.functional.multi_label import average_precisions, within_clip_average_precision
from vlplugins.evaluation.functional.temporal import (
    pairwise_temporal_iou,
    runs_from_mask,
    segment_average_precision,
    set_iou,
    widen,
)
from vlplugins.registry import METRICS, TASK_UTILS

_INSTANCES = ('runs', 'span', 'set')
_PARTS = ('segments', 'lines', 'clips', 'grounding')
_RECALL_AT = (0.1, 0.3, 0.5)


@METRICS.register_module()
class TemporalEmotionMetric(BaseMetric):
    """Per cent: ``mAP@0.1`` ... and ``mAP`` (their mean), ``line_mAP``, ``known_line_AP``, ``clip_mAP``, ``R1@0.5``.

    - segments: mean average precision of the proposals at thresholds of temporal overlap, in seconds;
    - lines: ``line_mAP`` of the scores of all lines of the set, and ``known_line_AP``, the average precision within a
      clip of each class that it has: localisation alone. The latter also for each branch, ``<modality>/known_line_AP``;
    - clips: ``clip_mAP`` of the scores of clips;
    - grounding: of each class that a clip has, the best proposal against the span from first to last labelled line:
      ``R1@m``, the share that overlaps by m, and ``mIoU``.

    Classes without truth are left out, and named in the log. Every number ``x`` comes with ``chance/x``, that of
    uniform random scores by the same code. The paper's own definition is not known; this one is ours.

    Args:
        iou_thrs: Thresholds of overlap.
        instances: What one true segment is: ``'runs'`` of consecutive lines; ``'span'``, one for each clip and class
            from first to last line; ``'set'``, one for each, the union of its lines, judged against the lines that the
            best threshold selects.
        parts: Which of the four.
        proposals: Config of the generator, for chance and grounding.
        chance_seeds: Random scores that chance is the mean of; 0 leaves it out.
        collect_device: ``'cpu'`` or ``'gpu'``, where results of several processes are joined.
        prefix: Name before the metrics.

    Raises:
        ValueError: an unknown kind of instances or part; (when evaluated) boundaries that the set does not have.
    """

    default_prefix = 'tel'

    def __init__(
        self,
        iou_thrs: Sequence[float] = (0.1, 0.2, 0.3, 0.4, 0.5),
        instances: str = 'runs',
        parts: Sequence[str] = _PARTS,
        proposals: dict = dict(type='vlplugins.MultiThresholdProposalGenerator'),  # noqa: B006
        chance_seeds: int = 3,
        collect_device: str = 'cpu',
        prefix: Optional[str] = None,
    ) -> None:
        super().__init__(collect_device, prefix)
        if instances not in _INSTANCES or not parts or not set(parts) <= set(_PARTS):
            raise ValueError(f'instances {instances!r} must be one of {_INSTANCES}, parts {tuple(parts)} of {_PARTS}')
        self.iou_thrs, self.instances, self.parts = tuple(iou_thrs), instances, tuple(parts)
        self.proposals, self.chance_seeds = TASK_UTILS.build(proposals), chance_seeds
        self._chance: Dict[tuple, Dict[str, float]] = {}

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep scores, proposals and truth of each sample."""
        for sample in data_samples:
            found = sample['pred_instances']
            keep = {key: _array(sample[key]) for key in ('times', 'gt_labels', 'segment_scores', 'clip_scores')}
            keep.update({key: _array(found[key]) for key in ('segments', 'lines', 'labels', 'scores')})
            truth = sample.get('gt_segments')
            keep['truth'] = None if truth is None else _array(truth).astype(bool)
            keep['branches'] = {name: _array(each) for name, each in (sample.get('branch_scores') or {}).items()}
            self.results.append(dict(keep, video_id=str(sample['video_id'])))

    def evaluate(self, size: int) -> Dict[str, float]:
        """Judge what all processes have collected; repeated samples are told by their id, not by ``size``."""
        return super().evaluate(sys.maxsize)

    def compute_metrics(self, results: List[dict]) -> Dict[str, float]:
        """All numbers, and their chance."""
        unique = {each['video_id']: each for each in results}
        clips = [unique[key] for key in sorted(unique)]
        without = [each['video_id'] for each in clips if each['truth'] is None]
        if without and set(self.parts) != {'clips'}:
            raise ValueError(
                f'{len(without)} clips have no boundaries, among them {without[0]}: only the scores of clips can be '
                "judged; use a set with boundaries, or parts=('clips',)"
            )
        self._name_empty_classes(clips)
        metrics = self.judge(clips)
        key = tuple(sorted(unique))
        if self.chance_seeds and key not in self._chance:
            drawn = [self.judge(self._at_random(clips, seed)) for seed in range(self.chance_seeds)]
            self._chance[key] = {name: float(np.mean([each[name] for each in drawn])) for name in drawn[0]}
        metrics.update({f'chance/{name}': value for name, value in self._chance.get(key, {}).items()})
        return metrics

    def _name_empty_classes(self, clips: List[dict]) -> None:
        empty = np.flatnonzero(np.stack([each['gt_labels'] for each in clips]).sum(axis=0) == 0)
        if len(empty):
            names = (self.dataset_meta or {}).get('classes')
            shown = [names[c] if names else str(c) for c in empty]
            print_log(f'classes without truth are left out: {", ".join(shown)}', 'current', level=logging.WARNING)

    def judge(self, clips: List[dict]) -> Dict[str, float]:
        """The numbers of ``parts``, without chance."""
        metrics: Dict[str, float] = {}
        for part in self.parts:
            metrics.update(getattr(self, f'_judge_{part}')(clips))
        return {name: 100 * value for name, value in metrics.items()}

    def _judge_segments(self, clips: List[dict]) -> Dict[str, float]:
        classes = np.flatnonzero(np.any([each['truth'].any(axis=0) for each in clips], axis=0))
        judge = self._overlaps_of_sets if self.instances == 'set' else self._overlaps
        table = []
        for label in classes:
            scores, ious = zip(*(judge(clip, label) for clip in clips))
            table.append(segment_average_precision(list(scores), list(ious), self.iou_thrs))
        means = np.mean(table, axis=0)
        return {**{f'mAP@{thr:g}': float(v) for thr, v in zip(self.iou_thrs, means)}, 'mAP': float(means.mean())}

    def _overlaps(self, clip: dict, label: int) -> tuple:
        """Scores ``[P]`` and overlaps ``[P, G]`` of the proposals of a class."""
        chosen = clip['labels'] == label
        truth = _true_segments(clip, label, self.instances)
        return clip['scores'][chosen], pairwise_temporal_iou(widen(clip['segments'][chosen]), truth)

    def _overlaps_of_sets(self, clip: dict, label: int) -> tuple:
        """The same for the set of lines that stands out most, one for each class that has proposals."""
        lines = np.flatnonzero(clip['truth'][:, label])
        if not (clip['labels'] == label).any():
            return np.zeros(0), np.zeros((0, int(len(lines) > 0)))
        scores = clip['segment_scores'][:, label]
        bounds = scores.min() + np.ptp(scores) * np.asarray(self.proposals.thresholds)
        masks = [scores >= bound for bound in bounds]
        contrast = [scores[m].mean() - (scores[~m].mean() if (~m).any() else 0.0) for m in masks]
        best = int(np.argmax(contrast))
        score = np.array([0.5 * clip['clip_scores'][label] + 0.5 * contrast[best]])
        if not len(lines):
            return score, np.zeros((1, 0))
        times = widen(clip['times'])
        return score, np.array([[set_iou(times[masks[best]], times[lines])]])

    def _judge_lines(self, clips: List[dict]) -> Dict[str, float]:
        truth = [each['truth'] for each in clips]
        scores = [each['segment_scores'] for each in clips]
        found = average_precisions(np.concatenate(scores), np.concatenate(truth))
        metrics = dict(line_mAP=float(np.mean(list(found.values()))))
        metrics['known_line_AP'] = within_clip_average_precision(scores, truth)
        names = clips[0]['branches'] if len(clips[0]['branches']) > 1 else {}
        for name in names:
            metrics[f'{name}/known_line_AP'] = within_clip_average_precision(
                [c['branches'][name] for c in clips], truth
            )
        return metrics

    def _judge_clips(self, clips: List[dict]) -> Dict[str, float]:
        scores, labels = (np.stack([each[key] for each in clips]) for key in ('clip_scores', 'gt_labels'))
        return dict(clip_mAP=float(np.mean(list(average_precisions(scores, labels > 0).values()))))

    def _judge_grounding(self, clips: List[dict]) -> Dict[str, float]:
        overlaps = []
        for clip in clips:
            labels = torch.from_numpy(clip['truth'].any(axis=0).astype(np.float32))
            arrays = [torch.from_numpy(clip[key]) for key in ('segment_scores', 'clip_scores', 'times')]
            found = self.proposals(*arrays, labels)
            for label in labels.nonzero()[:, 0].tolist():
                # Best first; a class that is looked for has at least one proposal, unless the clip's limit cut it off.
                best = found.segments[found.labels == label][:1].numpy()
                truth = _true_segments(clip, label, 'span')
                overlaps.append(pairwise_temporal_iou(widen(best), truth).max(initial=0.0))
        values = np.array(overlaps)
        recalls = {f'R1@{bound:g}': float((values >= bound).mean()) for bound in _RECALL_AT}
        return dict(recalls, mIoU=float(values.mean()))

    def _at_random(self, clips: List[dict], seed: int) -> List[dict]:
        """The clips with uniform random scores, and the proposals that follow from them."""
        rng = np.random.default_rng(seed)
        drawn = []
        for clip in clips:
            scores, clip_scores = (
                rng.random(clip[key].shape).astype(np.float32) for key in ('segment_scores', 'clip_scores')
            )
            new = dict(clip, segment_scores=scores, clip_scores=clip_scores, branches={})
            if 'segments' in self.parts:
                found = self.proposals(*(torch.from_numpy(each) for each in (scores, clip_scores, clip['times'])))
                new.update({key: found[key].numpy() for key in ('segments', 'lines', 'labels', 'scores')})
            drawn.append(new)
        return drawn


def _array(value: Any) -> np.ndarray:
    return value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)


def _true_segments(clip: dict, label: int, instances: str) -> np.ndarray:
    """True segments ``[G, 2]`` of a class in seconds, none of them without length."""
    runs = runs_from_mask(clip['truth'][:, label])
    if instances == 'span' and len(runs):
        runs = np.array([[runs[0, 0], runs[-1, 1]]])
    times = clip['times']
    bounds = [(times[first : last + 1, 0].min(), times[first : last + 1, 1].max()) for first, last in runs]
    return widen(np.array(bounds).reshape(-1, 2))
