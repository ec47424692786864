"""Pictures of image classification: the image, and the likeliest classes at each width."""

from pathlib import Path
from typing import Any, Optional

import numpy as np
import torch
from matplotlib.figure import Figure

from vlplugins.datasets.formats.images import decode_image
from vlplugins.registry import VISUALIZERS
from vlplugins.utils.widths import width_name
from vlplugins.visualization.base import TaskVisualizer


def to_rgb(image: Any) -> np.ndarray:
    """Image for display: a tensor ``[C, H, W]`` or an array ``[H, W]`` or ``[H, W, C]`` (BGR), to uint8 RGB or grey."""
    if isinstance(image, torch.Tensor):
        image = image.detach().cpu().numpy().transpose(1, 2, 0)
    image = np.clip(image, 0, 255).astype(np.uint8)
    if image.ndim == 3:
        image = image[..., 0] if image.shape[2] == 1 else image[..., ::-1]
    return image


@VISUALIZERS.register_module()
class ClassificationVisualizer(TaskVisualizer):
    """Shows an image, its label, and bars for the probabilities of the likeliest classes at each width.

    Args:
        topk: Classes shown.
        name: Name of the instance.
        kwargs: Further arguments of MMEngine's ``Visualizer``.
    """

    def __init__(self, topk: int = 5, name: str = 'visualizer', **kwargs: Any) -> None:
        super().__init__(name, **kwargs)
        self.topk = topk

    def read_input(self, item: Any) -> np.ndarray:
        """Read an image file, or take the array."""
        return item if isinstance(item, np.ndarray) else decode_image(Path(item).read_bytes(), item)

    def class_name(self, label: int) -> str:
        """Name of a class, or its number."""
        classes = (self.dataset_meta or {}).get('classes')
        return str(label) if classes is None else str(classes[label])

    def draw(self, inputs: Any, data_sample: Any, draw_gt: bool = True, draw_pred: bool = True) -> Figure:
        """Figure of an image and its sample.

        Raises:
            ValueError: the prediction is to be drawn and holds no scores.
        """
        draw_pred = draw_pred and data_sample is not None
        if draw_pred and 'pred_scores' not in data_sample:
            raise ValueError('the prediction holds no class scores; features alone cannot be drawn')
        figure = Figure(figsize=(8 if draw_pred else 4, 4), layout='constrained')
        axes = figure.subplots(1, 2 if draw_pred else 1, squeeze=False)[0]
        axes[0].imshow(to_rgb(inputs), cmap='gray', vmin=0, vmax=255)
        axes[0].axis('off')
        truth: Optional[int] = None
        if draw_gt and data_sample is not None and 'gt_label' in data_sample:
            truth = int(data_sample.gt_label)
            axes[0].set_title(f'label: {self.class_name(truth)}')
        if draw_pred:
            self._draw_scores(axes[1], data_sample.pred_scores, truth)
        return figure

    def _draw_scores(self, axes: Any, scores: dict, truth: Optional[int]) -> None:
        widths = sorted(scores, reverse=True)
        labels = torch.stack([scores[width].cpu() for width in widths]).mean(dim=0).argsort(descending=True)
        labels = labels[: self.topk].tolist()
        height = 0.8 / len(widths)
        for index, width in enumerate(widths):
            places = [row + (index - (len(widths) - 1) / 2) * height for row in range(len(labels))]
            values = [float(scores[width][label]) for label in labels]
            axes.barh(places, values, height, label=width_name(width))
        names = [self.class_name(label) + (' (label)' if label == truth else '') for label in labels]
        axes.set_yticks(range(len(labels)), names)
        axes.invert_yaxis()
        axes.set(xlim=(0, 1), xlabel='probability')
        axes.legend(fontsize='small')
