"""What the visualizers of all tasks share."""

from pathlib import Path
from typing import Any, Optional

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from mmengine.visualization import Visualizer


def render(figure: Figure) -> np.ndarray:
    """Draw a figure without a display: uint8 ``[H, W, 3]``, RGB."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def save_image(image: np.ndarray, path: str) -> None:
    """Write an RGB picture ``[H, W, 3]``, and its folder."""
    import cv2

    Path(path).parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(path, image[..., ::-1])


class TaskVisualizer(Visualizer):
    """Draws an input with what a model says of it.

    A subclass implements :meth:`draw` on the input as the pipeline packs it, and :meth:`read_input`, which makes that
    of an input as a user has it (a path or an array).
    """

    def draw(self, inputs: Any, data_sample: Any, draw_gt: bool = True, draw_pred: bool = True) -> Figure:
        """Figure of one packed input and its sample."""
        raise NotImplementedError

    def read_input(self, item: Any) -> Any:
        """What :meth:`draw` takes, of a path or an array."""
        raise NotImplementedError

    def add_datasample(
        self,
        name: str,
        image: Any,
        data_sample: Any = None,
        draw_gt: bool = True,
        draw_pred: bool = True,
        show: bool = False,
        wait_time: float = 0,
        out_file: Optional[str] = None,
        step: int = 0,
    ) -> np.ndarray:
        """Draw a sample, show it, or write it to ``out_file``, else to the backends; returns the RGB picture.

        Args:
            name: Name of the picture.
            image: The input as the pipeline packs it.
            data_sample: Its sample.
            draw_gt: Draw the truth.
            draw_pred: Draw the prediction.
            show: Open a window.
            wait_time: Seconds that it stays open; 0 until it is closed.
            out_file: Path of the picture.
            step: Step that the backends log it under.
        """
        picture = render(self.draw(image, data_sample, draw_gt, draw_pred))
        if show:
            self.show(picture, win_name=name, wait_time=wait_time)
        if out_file is not None:
            save_image(picture, out_file)
        else:
            self.add_image(name, picture, step)
        return picture

    def draw_input(self, name: str, item: Any, data_sample: Any, out_file: Optional[str] = None) -> np.ndarray:
        """As :meth:`add_datasample`, for an input as a user has it."""
        return self.add_datasample(name, self.read_input(item), data_sample, draw_gt=False, out_file=out_file)
