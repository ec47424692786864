"""Pictures of where in a video a sentence happens, and which word is seen where."""

from typing import Any, List, Tuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vlplugins.registry import VISUALIZERS
from vlplugins.visualization.timeline_visualizer import TimelineVisualizer, as_array, spans_of


def mass_of_words(data_sample: Any) -> List[Tuple[str, np.ndarray]]:
    """Words of the nodes, and how much of each is at each position ``[P]``, by their place in the sentence.

    An action has all of its words; an atom the sum over its concepts. Nothing without ``graph`` or ``correspondence``.
    """
    found, graph = data_sample.get('correspondence') or {}, data_sample.get('graph')
    if graph is None:
        return []
    rows = [
        (span[0], ' '.join(graph.tokens[token] for token in span), as_array(values))
        for span, values in zip(graph.actions, found.get('action', ()))
    ]
    rows += [
        (token, graph.tokens[token], as_array(values).sum(axis=-1))
        for token, values in zip(graph.atoms, found.get('atom', ()))
    ]
    rows.sort(key=lambda row: row[0])
    return [row[1:] for row in rows]


@VISUALIZERS.register_module()
class GroundingVisualizer(TimelineVisualizer):
    """Draws the true segment and the predicted ones as bars over time, and a row of heat for each word.

    The rows need ``correspondence`` (a model with ``return_correspondence=True``) and the graph of the sentence.

    Args:
        topk: Predicted segments that are drawn.
        max_words: Rows at most.
        name: Name of the instance.
        kwargs: Further arguments of MMEngine's ``Visualizer``.
    """

    def __init__(self, topk: int = 3, max_words: int = 12, name: str = 'visualizer', **kwargs: Any) -> None:
        super().__init__(topk=topk, name=name, **kwargs)
        self.max_words = max_words

    def draw(self, inputs: Any, data_sample: Any, draw_gt: bool = True, draw_pred: bool = True) -> Figure:
        """Figure of a :class:`TemporalDataSample` of a query; the packed inputs are not needed."""
        duration = float(data_sample.duration)
        rows = mass_of_words(data_sample)[: self.max_words] if draw_pred else []
        figure = Figure(figsize=(9, 1.6 + 0.3 * len(rows)), layout='constrained')
        ratios = [1.0, 0.3 * len(rows)] if rows else [1.0]
        axes = figure.subplots(len(ratios), 1, sharex=True, squeeze=False, height_ratios=ratios)[:, 0]
        self._draw_bars(axes[0], data_sample, draw_gt, draw_pred)
        if rows:
            self._draw_heat(axes[1], rows, duration)
        axes[-1].set(xlim=(0, duration), xlabel='seconds')
        name = data_sample.get('query_id') or data_sample.get('video_id') or ''
        sentence = str(data_sample.get('sentence') or '').replace('$', r'\$')
        figure.suptitle(f'{sentence}\n{name}' if sentence else str(name), fontsize='medium')
        return figure

    def _draw_bars(self, axes: Axes, sample: Any, draw_gt: bool, draw_pred: bool) -> None:
        labels = []
        if draw_gt and 'gt_intervals' in sample:
            axes.broken_barh(spans_of(as_array(sample.gt_intervals)), (0.1, 0.8), color='C2')
            labels.append('truth')
        if draw_pred and 'pred_instances' in sample:
            found = sample.pred_instances
            for rank, (span, score) in enumerate(zip(as_array(found.segments)[: self.topk], as_array(found.scores))):
                row, alpha = len(labels), 0.9 / (1 + rank)
                axes.broken_barh(spans_of([span]), (row + 0.1, 0.8), color='C1', alpha=alpha)
                labels.append(f'prediction {rank + 1} ({score:.2f})')
        axes.set(ylim=(max(len(labels), 1), 0), yticks=np.arange(len(labels)) + 0.5, yticklabels=labels)
        axes.tick_params(axis='y', labelsize='small', length=0)

    @staticmethod
    def _draw_heat(axes: Axes, rows: List[Tuple[str, np.ndarray]], duration: float) -> None:
        heat = np.stack([values for _, values in rows])
        axes.imshow(heat, aspect='auto', cmap='magma', vmin=0, extent=(0, duration, len(rows), 0))
        words = [word.replace('$', r'\$') for word, _ in rows]
        axes.set(yticks=np.arange(len(rows)) + 0.5, yticklabels=words)
        axes.tick_params(axis='y', labelsize='small', length=0)
