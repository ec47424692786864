"""Pictures of what of an image goes with which phrase."""

from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple, Union

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vlplugins.datasets.formats.images import read_image
from vlplugins.registry import VISUALIZERS
from vlplugins.visualization.base import TaskVisualizer
from vlplugins.visualization.timeline_visualizer import as_array


@VISUALIZERS.register_module()
class RegionPhraseVisualizer(TaskVisualizer):
    """Draws boxes with their phrases and scores, or the ranked texts of an image, and maps of interactions.

    It reads a :class:`RegionPhraseDataSample`: ``pred_instances``, whose ``labels`` count ``text`` (without labels, all
    boxes are of the one text; without texts, labels are classes); ``gt_instances``; ``text_scores [K]`` of the texts;
    and ``interactions``, a dict with ``values [P, rows, columns]`` over the patches for the first P texts, and, where
    it is known, their ``uncertainty`` of that shape, in the same unit.

    Args:
        max_boxes: Boxes drawn, the best ones.
        max_texts: Ranked texts drawn, and maps.
        digits: Decimals of the scores of boxes.
        name: Name of the instance.
        kwargs: Further arguments of MMEngine's ``Visualizer``.
    """

    def __init__(
        self, max_boxes: int = 10, max_texts: int = 8, digits: int = 2, name: str = 'visualizer', **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.max_boxes, self.max_texts, self.digits = max_boxes, max_texts, digits

    def read_input(self, item: Union[str, Path, np.ndarray]) -> np.ndarray:
        """BGR ``[H, W, 3]`` of a path; an array as it is."""
        return read_image(item) if isinstance(item, (str, Path)) else item

    def draw(self, inputs: Any, data_sample: Any, draw_gt: bool = True, draw_pred: bool = True) -> Figure:
        """Figure of a sample.

        Args:
            inputs: The image as it is packed, ``[3, H, W]`` in BGR order, alone or as ``image`` of a dict; or an array
                ``[H, W, 3]`` in BGR order. It may be resized: boxes are in pixels of the file (``ori_shape``).
            data_sample: The sample.
            draw_gt: Draw the truth.
            draw_pred: Draw what was predicted. Without it the texts, and their phrases, stand above the image.
        """
        image = _as_rgb(inputs)
        height, width = data_sample.metainfo.get('ori_shape') or image.shape[:2]
        extent = (0, width, height, 0)
        maps = self._maps(data_sample) if draw_pred else []
        rows = 1 + any(uncertainty is not None for _, _, uncertainty in maps)
        ranked = draw_pred and 'text_scores' in data_sample
        side = 3.2
        columns = 1 + ranked + len(maps)
        size = (side * max(width / height, 0.6) * columns, side * rows + 0.5)
        figure = Figure(figsize=size, layout='constrained')
        axes = figure.subplots(rows, columns, squeeze=False)
        for axis in axes.flat:
            axis.set_axis_off()
        axes[0, 0].imshow(image, extent=extent)
        if not draw_pred:
            lines = [*self._texts(data_sample), ' | '.join(data_sample.metainfo.get('gt_phrases', ()))]
            axes[0, 0].set_title('\n'.join(_plain(line) for line in lines if line), fontsize='small', wrap=True)
        if draw_gt and 'gt_instances' in data_sample:
            for box in as_array(data_sample.gt_instances.bboxes):
                _draw_box(axes[0, 0], box, 'white', 'truth')
        if draw_pred and 'pred_instances' in data_sample:
            self._draw_predictions(axes[0, 0], data_sample)
        if ranked:
            self._draw_ranking(axes[0, 1], data_sample)
        self._draw_maps(axes[:, 1 + ranked :], maps, image.mean(axis=2), extent)
        return figure

    def _draw_predictions(self, axes: Axes, sample: Any) -> None:
        found = sample.pred_instances
        scores = as_array(found.scores)
        labels = as_array(found.labels) if 'labels' in found else np.zeros(len(scores), dtype=int)
        boxes, names = as_array(found.bboxes), self._names(sample)
        # The best one lies on top.
        for index in np.argsort(-scores, kind='stable')[: self.max_boxes][::-1]:
            label = int(labels[index])
            name = names[label] if label < len(names) else str(label)
            _draw_box(axes, boxes[index], f'C{label % 10}', f'{name} {scores[index]:.{self.digits}f}')

    def _names(self, sample: Any) -> List[str]:
        return self._texts(sample) or list((self.dataset_meta or {}).get('classes') or ())

    @staticmethod
    def _texts(sample: Any) -> List[str]:
        """Those of a sample; one of mmdet has none."""
        return list(getattr(sample, 'texts', ()))

    def _draw_ranking(self, axes: Axes, sample: Any) -> None:
        scores = as_array(sample.text_scores)
        order = np.argsort(-scores, kind='stable')[: self.max_texts]
        lines = [f'{scores[index]:.3f}  {_plain(sample.texts[index])}' for index in order]
        axes.text(0, 1, '\n'.join(lines), va='top', fontsize='small', transform=axes.transAxes, wrap=True)

    def _maps(self, sample: Any) -> List[Tuple[str, np.ndarray, Optional[np.ndarray]]]:
        """Text, values and uncertainty of each map."""
        found: Dict[str, Any] = sample.get('interactions') or {}
        if not found:
            return []
        values, uncertainty = as_array(found['values']), found.get('uncertainty')
        uncertain = [None] * len(values) if uncertainty is None else list(as_array(uncertainty))
        if uncertainty is not None and as_array(uncertainty).shape != values.shape:
            raise ValueError(f'uncertainty {as_array(uncertainty).shape} is not of the shape of values {values.shape}')
        return list(zip(sample.texts, values, uncertain))[: self.max_texts]

    @staticmethod
    def _draw_maps(axes: np.ndarray, maps: List[tuple], grey: np.ndarray, extent: Tuple[float, ...]) -> None:
        if not maps:
            return
        # One scale for all phrases: what is weak looks weak.
        highest = max(float(np.abs(values).max()) for _, values, _ in maps) or 1.0
        options = dict(extent=extent, alpha=0.7, interpolation='nearest')
        for column, (text, values, uncertainty) in enumerate(maps):
            axes[0, column].imshow(grey, cmap='gray', extent=extent)
            shown = axes[0, column].imshow(values, cmap='coolwarm', vmin=-highest, vmax=highest, **options)
            axes[0, column].set_title(_plain(text), fontsize='small')
            if uncertainty is not None:
                axes[1, column].imshow(grey, cmap='gray', extent=extent)
                axes[1, column].imshow(uncertainty, cmap='Greys_r', vmin=0, vmax=highest, **options)
                axes[1, column].set_title(f'uncertainty (mean {uncertainty.mean():.1e})', fontsize='small')
        axes[0, 0].figure.colorbar(shown, ax=list(axes[0]), shrink=0.8, label='interaction')


def _as_rgb(inputs: Any) -> np.ndarray:
    image = inputs['image'] if isinstance(inputs, dict) else inputs
    if isinstance(image, torch.Tensor):
        image = image.permute(1, 2, 0).cpu().numpy()
    return np.ascontiguousarray(image[..., ::-1])


def _draw_box(axes: Axes, box: np.ndarray, colour: str, label: str) -> None:
    left, top, right, bottom = box
    axes.plot([left, right, right, left, left], [top, top, bottom, bottom, top], color=colour, linewidth=2)
    style = dict(facecolor=colour, alpha=0.8, edgecolor='none', pad=1)
    # At the top of the image there is no room above the box.
    place = 'top' if top < 0.08 * max(axes.get_ylim()) else 'bottom'
    axes.text(left, top, _plain(label), fontsize='x-small', va=place, bbox=style)


def _plain(text: str) -> str:
    """A text that matplotlib does not read as a formula."""
    return str(text).replace('$', r'\$')
