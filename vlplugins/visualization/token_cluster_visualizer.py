"""Pictures of text-video retrieval: the patches that token clustering keeps, and what was found for a text."""

from typing import Any, Optional, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure

from vlplugins.registry import VISUALIZERS
from vlplugins.visualization.base import TaskVisualizer, render, save_image
from vlplugins.visualization.image_grid import image_grid


def dim_dropped_patches(frames: np.ndarray, kept: np.ndarray, brightness: float = 0.25) -> np.ndarray:
    """Darken the patches that do not go on.

    Args:
        frames: uint8 ``[T, H, W, 3]``.
        kept: Booleans ``[T, rows, columns]``, true for kept patches; rows divide H, columns divide W.
        brightness: Factor of the others.

    Returns:
        uint8 ``[T, H, W, 3]``.

    Raises:
        ValueError: shapes that do not match.
    """
    count, height, width = frames.shape[:3]
    if kept.ndim != 3 or kept.shape[0] != count or height % kept.shape[1] or width % kept.shape[2]:
        raise ValueError(f'kept {kept.shape} are not patches [T, rows, columns] of frames {frames.shape}')
    mask = kept.repeat(height // kept.shape[1], axis=1).repeat(width // kept.shape[2], axis=2)
    return np.where(mask[..., None], frames, (frames * brightness).astype(np.uint8)).astype(np.uint8)


@VISUALIZERS.register_module()
class TokenClusterVisualizer(TaskVisualizer):
    """Draws sampled frames with their caption, kept patches bright and others dim, and the videos found for a text.

    Args:
        columns: Frames or videos in a row.
        brightness: Factor of the patches that are not kept.
        name: Name of the instance.
        kwargs: Further arguments of MMEngine's ``Visualizer``.
    """

    def __init__(self, columns: int = 6, brightness: float = 0.25, name: str = 'visualizer', **kwargs: Any) -> None:
        super().__init__(name, **kwargs)
        self.columns, self.brightness = columns, brightness

    def draw(self, inputs: Any, data_sample: Any, draw_gt: bool = True, draw_pred: bool = True) -> Figure:
        """Figure of packed inputs (``imgs`` uint8 ``[T, 3, H, W]``) and the captions of their sample.

        Frames that only repeat the last one are marked.
        """
        frames = inputs['imgs'].permute(0, 2, 3, 1).cpu().numpy()
        mask = inputs.get('frame_mask', torch.ones(len(frames), dtype=torch.bool)).tolist()
        titles = [f'{index}' if valid else f'{index} (repeated)' for index, valid in enumerate(mask)]
        figure = image_grid(list(frames), titles, self.columns)
        if draw_gt and data_sample is not None and 'captions' in data_sample:
            figure.suptitle('\n'.join(data_sample.captions[:3]), fontsize='medium', wrap=True)
        return figure

    def draw_kept_patches(
        self, frames: np.ndarray, kept: np.ndarray, title: str = '', out_file: Optional[str] = None
    ) -> np.ndarray:
        """Picture (RGB) of frames uint8 ``[T, H, W, 3]`` above themselves with dim patches where ``kept`` is false.

        Args:
            frames: uint8 ``[T, H, W, 3]``.
            kept: Booleans ``[T, rows, columns]``.
            title: Line above the picture.
            out_file: Path to write it to.
        """
        dimmed = dim_dropped_patches(frames, kept, self.brightness)
        shown = [*frames, *dimmed]
        titles = [f'frame {index}' for index in range(len(frames))]
        titles += [f'{int(each.sum())} of {each.size} kept' for each in kept]
        figure = image_grid(shown, titles, columns=len(frames))
        figure.suptitle(title)
        return self._finish(figure, out_file)

    def draw_retrieval(
        self,
        text: str,
        thumbnails: Sequence[np.ndarray],
        titles: Sequence[str],
        out_file: Optional[str] = None,
    ) -> np.ndarray:
        """Picture (RGB) of the videos found for a text, best first.

        Args:
            text: The text.
            thumbnails: A frame uint8 ``[H, W, 3]`` of each video.
            titles: A line for each, such as its name and score.
            out_file: Path to write it to.
        """
        figure = image_grid(list(thumbnails), list(titles), self.columns)
        figure.suptitle(text, wrap=True)
        return self._finish(figure, out_file)

    @staticmethod
    def _finish(figure: Figure, out_file: Optional[str]) -> np.ndarray:
        picture = render(figure)
        if out_file is not None:
            save_image(picture, out_file)
        return picture
