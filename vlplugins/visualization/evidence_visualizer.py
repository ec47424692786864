"""Pictures of what a verdict on a statement rests on: when each of its events was seen, and in what was said."""

from typing import Any, List, Tuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vlplugins.registry import VISUALIZERS
from vlplugins.visualization.timeline_visualizer import TimelineVisualizer

Row = Tuple[int, int]


@VISUALIZERS.register_module()
class EvidenceVisualizer(TimelineVisualizer):
    """Draws a row for each event of each statement over the time of the clip, and the subtitles below.

    Bars say how much the event looks at the frames and at the words of each segment. Beside the row are the words of
    the event, its own score, and how it hangs on other events; above the first row of a statement its text and verdict.

    Args:
        max_statements: Statements that are drawn.
        max_chars: As in :class:`TimelineVisualizer`.
        name: Name of the instance.
        kwargs: Further arguments of MMEngine's ``Visualizer``.
    """

    def __init__(self, max_statements: int = 4, max_chars: int = 48, name: str = 'visualizer', **kwargs: Any) -> None:
        super().__init__(max_chars=max_chars, name=name, **kwargs)
        self.max_statements = max_statements

    def draw(self, inputs: Any, data_sample: Any, draw_gt: bool = True, draw_pred: bool = True) -> Figure:
        """Figure of a :class:`TemporalDataSample` with statements; the packed inputs are not needed."""
        events = self.choose_rows(data_sample)
        lines, times = list(data_sample.get('subtitles') or []), np.asarray(data_sample.get('line_times'))
        lines, times = _with_times(lines, times)
        heights = [0.9] * len(events) + ([0.17 * len(lines) + 0.3] if lines else [])
        figure = Figure(figsize=(11, sum(heights) + 1.0), layout='constrained')
        axes = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
        for place, (statement, event) in zip(axes, events):
            if event == 0:
                place.set_title(self.title(data_sample, statement, draw_gt, draw_pred), loc='left', fontsize='small')
            self._draw_event(place, data_sample, statement, event, draw_gt, draw_pred)
        if lines:
            self._draw_subtitles(axes[-1], times, lines)
        segments = data_sample.segment_times.cpu().numpy()
        axes[-1].set_xlim(0, max(float(data_sample.get('duration') or 0), float(segments.max()), 1e-3))
        axes[-1].set_xlabel('seconds')
        figure.suptitle(str(data_sample.get('video_id') or ''), fontsize='medium')
        return figure

    def choose_rows(self, data_sample: Any) -> List[Row]:
        """Numbers of statement and event of each row; without graphs one row for each statement."""
        graphs = list(data_sample.get('graphs') or [None] * len(data_sample.statements))
        counts = [1 if graph is None else len(graph.negated) for graph in graphs]
        if 'evidence' in data_sample:
            counts = [min(count, data_sample.evidence.size(1)) for count in counts]
        return [(number, event) for number, count in enumerate(counts[: self.max_statements]) for event in range(count)]

    @staticmethod
    def title(sample: Any, statement: int, draw_gt: bool, draw_pred: bool) -> str:
        """Text of a statement, with what is predicted and what is true."""
        parts = [f'"{sample.statements[statement]}"']
        if draw_pred and 'pred_score' in sample:
            score = float(sample.pred_score[statement])
            parts.append(f'{"follows" if int(sample.pred_label[statement]) else "does not follow"} ({score:.2f})')
        if draw_gt and 'gt_label' in sample:
            parts.append('true' if int(sample.gt_label[statement]) else 'false')
        return ' : '.join(parts).replace('$', r'\$')

    def _draw_event(self, axes: Axes, sample: Any, statement: int, event: int, draw_gt: bool, draw_pred: bool) -> None:
        segments = sample.segment_times.cpu().numpy()
        label = _words_of(sample, statement, event)
        if draw_gt and 'gt_evidence' in sample and event == 0 and sample.gt_evidence[statement].isfinite().all():
            start, end = sample.gt_evidence[statement].tolist()
            axes.axvspan(start, end, color='C2', alpha=0.2, label='truth')
        if draw_pred and 'evidence' in sample:
            shares = sample.evidence[statement, event].float().cpu().numpy()
            widths = np.maximum(segments[:, 1] - segments[:, 0], 0.02)
            options = dict(width=widths, align='edge', edgecolor='white')
            axes.bar(segments[:, 0], shares[:, 0], color='C0', label='frames', **options)
            axes.bar(segments[:, 0], shares[:, 1], bottom=shares[:, 0], color='C1', label='words', **options)
            score = float(sample.event_scores[statement, event])
            label += '' if np.isnan(score) else f'\n{score:.2f}'
        axes.set(ylim=(0, 1), yticks=(0, 1))
        axes.set_ylabel(label.replace('$', r'\$'), rotation=0, ha='right', va='center', fontsize='small')
        if axes.get_subplotspec().is_first_row() and axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize='x-small', loc='upper right', ncols=3)


def _words_of(sample: Any, statement: int, event: int) -> str:
    """The words of an event, and what joins it to others: "girl lifts (before: man)"."""
    graph = (sample.get('graphs') or [None] * (statement + 1))[statement]
    if graph is None:
        return 'statement'
    spans, tokens = graph.sentence.actions, graph.tokens
    atoms = [graph.sentence.atoms[atom] for atom in graph.atoms_of_events()[event]]
    words = ' '.join(tokens[token] for token in sorted({*spans[event], *atoms}))
    joints = [f'{role.lower()} {tokens[spans[other][0]]}' for head, other, role in graph.connectives if head == event]
    negated = 'not: ' if graph.negated[event] else ''
    return negated + words + (f'\n({", ".join(joints)})' if joints else '')


def _with_times(lines: List[str], times: np.ndarray) -> tuple:
    real = [number for number, line in enumerate(lines) if line and np.isfinite(times[number]).all()]
    return [lines[number] for number in real], times.reshape(-1, 2)[real] if len(real) else np.zeros((0, 2))
