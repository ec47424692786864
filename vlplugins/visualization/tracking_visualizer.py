"""Boxes of tracked targets, on the frames of a clip side by side or on one frame of a video."""

import colorsys
from pathlib import Path
from typing import Any, Dict, Optional, Sequence, Tuple

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from vlplugins.datasets.formats.images import read_image
from vlplugins.registry import VISUALIZERS
from vlplugins.visualization.base import TaskVisualizer


def colour_of(identity: int) -> Tuple[float, float, float]:
    """A strong colour (RGB, 0..1) of an identity; those of neighbours differ."""
    return colorsys.hsv_to_rgb((0.618034 * identity) % 1.0, 0.85, 0.95)


@VISUALIZERS.register_module()
class TrackingVisualizer(TaskVisualizer):
    """Draws the frames of an ``mmdet.TrackDataSample``: predictions in the colours of their identities, the truth
    dashed in white, or without predictions in the colours of its own identities.

    Args:
        name: As in MMEngine's ``Visualizer``.
        max_frames: Frames of a clip that are drawn, evenly spread.
        line_width: Of boxes, in pixels of :meth:`annotate`.
        kwargs: As in MMEngine's ``Visualizer``.
    """

    def __init__(self, name: str = 'visualizer', max_frames: int = 8, line_width: int = 2, **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.max_frames, self.line_width = max_frames, line_width

    def draw(self, inputs: Any, data_sample: Any, draw_gt: bool = True, draw_pred: bool = True) -> Figure:
        """Figure of frames ``[T, 3, H, W]`` (BGR, 0..255) with their sample."""
        images = np.asarray(inputs).transpose(0, 2, 3, 1)[..., ::-1]
        chosen = np.unique(np.linspace(0, len(images) - 1, min(len(images), self.max_frames)).round().astype(int))
        figure = Figure(figsize=(2.6 * len(chosen), 2.8), layout='constrained')
        for axes, index in zip(np.atleast_1d(figure.subplots(1, len(chosen))), chosen):
            frame = data_sample.video_data_samples[index]
            axes.imshow(images[index].astype(np.uint8))
            axes.set_title(f'frame {frame.metainfo.get("frame_id", index)}', fontsize='small')
            axes.axis('off')
            if draw_pred and 'pred_track_instances' in frame:
                found = frame.pred_track_instances
                self._boxes(axes, found.bboxes, found.instances_id.tolist())
            if draw_gt and 'gt_instances' in frame:
                truth = frame.gt_instances
                is_alone = not draw_pred and 'instances_ids' in truth
                self._boxes(axes, truth.bboxes, truth.instances_ids.tolist() if is_alone else None, '--')
        return figure

    @staticmethod
    def _boxes(axes: Axes, boxes: Any, identities: Optional[Sequence[int]], style: str = '-') -> None:
        for index, (x, y, right, low) in enumerate(np.asarray(boxes.detach().cpu()).tolist()):
            colour = 'white' if identities is None else colour_of(identities[index])
            axes.add_patch(
                Rectangle((x, y), right - x, low - y, fill=False, linewidth=1.5, edgecolor=colour, linestyle=style)
            )

    def read_input(self, item: Any) -> np.ndarray:
        """Frames ``[T, 3, H, W]`` of a folder of frames, a file or an array ``[T, H, W, 3]`` (BGR)."""
        if isinstance(item, np.ndarray):
            return item.transpose(0, 3, 1, 2)
        paths = sorted(Path(item).iterdir()) if Path(item).is_dir() else [Path(item)]
        return np.stack([read_image(str(path)) for path in paths]).transpose(0, 3, 1, 2)

    def annotate(self, image: np.ndarray, objects: Sequence[Dict[str, Any]]) -> np.ndarray:
        """A copy of a frame (uint8 ``[H, W, 3]``, BGR) with boxes and identities.

        Args:
            image: The frame.
            objects: Dicts with ``id`` and ``box`` (x, y, width, height in pixels), as the inferencer gives them.
        """
        picture = image.copy()
        for each in objects:
            x, y, width, height = (int(round(number)) for number in each['box'])
            colour = [int(255 * value) for value in colour_of(each['id'])[::-1]]
            cv2.rectangle(picture, (x, y), (x + width, y + height), colour, self.line_width)
            place = (x, y - 4 if y > 14 else y + 12)
            cv2.putText(picture, str(each['id']), place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, 1, cv2.LINE_AA)
        return picture
