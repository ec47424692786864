"""Pictures of texts in images: boxes, ranked texts, and sheets of the images that a text finds."""

from pathlib import Path
from typing import Any, Dict, List, Optional

import cv2
import numpy as np
import torch

from vlplugins.apis.base import Input
from vlplugins.datasets.formats.images import read_image


class VisionLanguagePictures:
    """What :class:`VisionLanguageInferencer` draws."""

    def visualize(self, inputs: List[Input], preds: List[Any], vis_out_dir: Optional[str] = None) -> List[np.ndarray]:
        """A picture of each image; with ``rank='images'``, of each text a sheet of the images that were found."""
        if vis_out_dir is None:
            return []
        if not self._by_text:
            drawn = [sample if self.mode != 'grounding' else self._best_of_phrases(sample) for sample in preds]
            return super().visualize([as_image(item) for item in inputs], drawn, vis_out_dir)
        from vlplugins.visualization.token_cluster_visualizer import TokenClusterVisualizer

        pictures, drawer = [], TokenClusterVisualizer()
        for number, found in enumerate(self.rank_images(preds)):
            images = [self._thumbnail(inputs[each['index']]) for each in found['images']]
            titles = [f'{self._name_of(each)}\n{each["score"]:.3f}' for each in found['images']]
            words = ''.join(letter if letter.isalnum() else '-' for letter in found['text'][:40])
            path = str(Path(vis_out_dir, self.picture_name(number, words)))
            pictures.append(drawer.draw_retrieval(found['text'], images, titles, path))
        return pictures

    @property
    def _by_text(self) -> bool:
        return self.mode == 'retrieval' and self.rank == 'images'

    def _best_of_phrases(self, sample: Any) -> Any:
        best, drawn = sample.pred_instances, sample.clone()
        drawn.pred_instances = best[torch.arange(0, len(best), len(best) // len(sample.texts))]
        return drawn

    @staticmethod
    def _thumbnail(item: Input) -> np.ndarray:
        image = read_image(item) if isinstance(item, (str, Path)) else as_bgr(item)
        return np.ascontiguousarray(image[..., ::-1])

    @staticmethod
    def _name_of(image: Dict[str, Any]) -> str:
        return f'image {image["index"]}' if image['img_path'] is None else Path(image['img_path']).stem[:24]


def as_image(item: Input) -> Input:
    """A path as it is, an array as :func:`as_bgr`."""
    return item if isinstance(item, (str, Path)) else as_bgr(item)


def as_bgr(image: np.ndarray) -> np.ndarray:
    """An array of 1, 3 or 4 channels (BGR, alpha) as ``[H, W, 3]``.

    Raises:
        ValueError: another array.
    """
    image = np.asarray(image)
    channels = image.shape[2] if image.ndim == 3 else 1
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or channels not in (1, 3, 4) or not image.size:
        raise ValueError(
            f'found an array {image.shape} of {image.dtype}; expected an image [H, W, 3], [H, W] or [H, W, 4] of uint8'
        )
    if channels == 3:
        return image
    return cv2.cvtColor(image, cv2.COLOR_GRAY2BGR if channels == 1 else cv2.COLOR_BGRA2BGR)
