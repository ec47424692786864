"""Pictures of what happens when: subtitles, activations, true and predicted segments over time."""

from typing import Any, Dict, List

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vlplugins.registry import VISUALIZERS
from vlplugins.visualization.base import TaskVisualizer


def as_array(value: Any) -> np.ndarray:
    """A tensor of any device, or what NumPy takes, as an array."""
    return value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)


@VISUALIZERS.register_module()
class TimelineVisualizer(TaskVisualizer):
    """Draws one row for each class over time: the activation as a curve, the truth and the predictions as bars.

    Below are the subtitles at their times. Shown are classes that are true, or predicted above ``score_thr``; of the
    predictions of a class the best ``topk``.

    Args:
        score_thr: Clip score from which a class is drawn.
        topk: Predicted segments drawn of a class.
        max_classes: Rows at most, those with the highest scores.
        max_chars: Characters of a subtitle that are drawn.
        name: Name of the instance.
        kwargs: Further arguments of MMEngine's ``Visualizer``.
    """

    def __init__(
        self,
        score_thr: float = 0.3,
        topk: int = 3,
        max_classes: int = 6,
        max_chars: int = 48,
        name: str = 'visualizer',
        **kwargs: Any,
    ) -> None:
        super().__init__(name, **kwargs)
        self.score_thr, self.topk, self.max_classes, self.max_chars = score_thr, topk, max_classes, max_chars

    def read_input(self, item: Any) -> Any:
        """A user's input has nothing to draw beyond its sample."""
        return None

    def draw(self, inputs: Any, data_sample: Any, draw_gt: bool = True, draw_pred: bool = True) -> Figure:
        """Figure of a :class:`TemporalDataSample` with ``times``; the packed inputs are not needed."""
        times = as_array(data_sample.times)
        labels = self.choose_classes(data_sample, draw_gt, draw_pred)
        subtitles = list(data_sample.get('subtitles') or [])
        height = 0.8 * max(len(labels), 1) + (0.17 * len(subtitles) + 0.8 if subtitles else 0.6)
        figure = Figure(figsize=(11, max(height, 2.5)), layout='constrained')
        ratios = [0.8] * max(len(labels), 1) + ([0.17 * len(subtitles) + 0.3] if subtitles else [])
        rows = figure.subplots(len(ratios), 1, sharex=True, squeeze=False, height_ratios=ratios)[:, 0]
        for axes, label in zip(rows, labels):
            self._draw_class(axes, data_sample, times, label, draw_gt, draw_pred)
        if not labels:
            rows[0].text(0.5, 0.5, f'no class above {self.score_thr:g}', ha='center', transform=rows[0].transAxes)
            rows[0].set_yticks([])
        if subtitles:
            self._draw_subtitles(rows[-1], times, subtitles)
        rows[-1].set_xlabel('seconds')
        rows[-1].set_xlim(times.min(), max(times.max(), times.min() + 1e-3))
        title = data_sample.get('video_id')
        figure.suptitle(str(title) if title else '', fontsize='medium')
        return figure

    def choose_classes(self, data_sample: Any, draw_gt: bool, draw_pred: bool) -> List[int]:
        """Numbers of the classes that are drawn, by their number."""
        weight: Dict[int, float] = {}
        if draw_pred and 'clip_scores' in data_sample:
            scores = as_array(data_sample.clip_scores)
            chosen = np.flatnonzero(scores >= self.score_thr)
            weight.update({int(c): float(scores[c]) for c in (chosen if len(chosen) else [scores.argmax()])})
        if draw_gt and 'gt_labels' in data_sample:
            weight.update({int(c): 2.0 for c in np.flatnonzero(as_array(data_sample.gt_labels) > 0)})
        return sorted(sorted(weight, key=weight.get, reverse=True)[: self.max_classes])

    def _draw_class(
        self, axes: Axes, sample: Any, times: np.ndarray, label: int, draw_gt: bool, draw_pred: bool
    ) -> None:
        if draw_gt and 'gt_segments' in sample:
            lines = as_array(sample.gt_segments)[:, label].astype(bool)
            axes.broken_barh(spans_of(times[lines]), (0.0, 0.18), color='C2', label='truth')
        if draw_pred and 'segment_scores' in sample:
            scores = as_array(sample.segment_scores)[:, label]
            axes.stairs(*_steps(times, scores), color='C0', baseline=None, label='activation')
            found = sample.pred_instances
            best = as_array(found.segments)[as_array(found.labels) == label][: self.topk]
            for rank, (start, end) in enumerate(best):
                shown = 'prediction' if rank == 0 else None
                alpha = 0.8 / (1 + rank)
                axes.broken_barh(spans_of([(start, end)]), (0.22, 0.18), color='C1', alpha=alpha, label=shown)
        axes.set(ylim=(0, 1.05), yticks=(0, 1))
        names = (self.dataset_meta or {}).get('classes')
        axes.set_ylabel(names[label] if names else f'class {label}', rotation=0, ha='right', va='center')
        if axes.get_legend_handles_labels()[0] and axes.get_subplotspec().is_first_row():
            axes.legend(fontsize='x-small', loc='upper right', ncols=3)

    def _draw_subtitles(self, axes: Axes, times: np.ndarray, subtitles: List[str]) -> None:
        last = max(float(times.max()), 1e-3)
        for row, ((start, end), text) in enumerate(zip(times, subtitles)):
            axes.broken_barh(spans_of([(start, end)]), (row + 0.1, 0.8), color='0.8')
            shown = text if len(text) <= self.max_chars else text[: self.max_chars - 1] + '…'
            # A dollar sign would begin a formula.
            is_late = start > 0.6 * last
            axes.text(
                start if is_late else end,
                row + 0.5,
                f' {shown} '.replace('$', r'\$'),
                ha='right' if is_late else 'left',
                va='center',
                fontsize=6,
                clip_on=True,
            )
        axes.set(ylim=(len(subtitles), 0), yticks=[])
        axes.set_ylabel('subtitles', rotation=0, ha='right', va='center')


def spans_of(times: Any) -> List[tuple]:
    """Start and width of each interval; points get a width that can be seen."""
    return [(float(start), max(float(end) - float(start), 0.02)) for start, end in times]


def _steps(times: np.ndarray, scores: np.ndarray) -> tuple:
    """Values and edges of a curve that is constant within a line, and zero where nobody speaks.

    Lines that begin at the same time share the higher score.
    """
    order = np.argsort(times[:, 0], kind='stable')
    values: List[float] = []
    edges: List[float] = []
    for start, end, score in np.column_stack([times, scores])[order].tolist():
        if edges and start < edges[-1]:
            values[-1] = max(values[-1], score)
            edges[-1] = max(edges[-1], end)
            continue
        if edges and start > edges[-1]:
            values.append(0.0)
        if not edges or start > edges[-1]:
            edges.append(start)
        values.append(score)
        edges.append(max(end, start + 1e-6))
    return np.array(values), np.array(edges)
