"""Pictures of a decomposition: boxes beside heat maps of the parts, and features of domains in the plane."""

from pathlib import Path
from typing import Any, Dict, Optional, Sequence

import numpy as np
from matplotlib.figure import Figure
from mmdet.visualization import DetLocalVisualizer
from torch import Tensor

from vlplugins.registry import VISUALIZERS
from vlplugins.utils.optional import require
from vlplugins.visualization.base import render, save_image

_PARTS = ('base', 'invariant', 'specific')


@VISUALIZERS.register_module()
class DecompositionVisualizer(DetLocalVisualizer):
    """mmdet's visualizer of boxes, which also draws what a ``VectorDecomposition`` makes of an image.

    Args:
        name: Name of the instance.
        score_threshold: Least score of the boxes that are drawn.
        kwargs: Further arguments of ``DetLocalVisualizer``.
    """

    def __init__(self, name: str = 'visualizer', score_threshold: float = 0.3, **kwargs: Any) -> None:
        super().__init__(name, **kwargs)
        self.score_threshold = score_threshold

    def draw_input(self, name: str, item: Any, data_sample: Any, out_file: Optional[str] = None) -> np.ndarray:
        """Picture (RGB) of a path, or of an array ``[H, W, 3]`` in BGR order, with the detected boxes.

        Where the sample has ``parts`` (maps of the input, see :meth:`draw_decomposition`), their heat maps stand
        beside.
        """
        import mmcv

        image = mmcv.imread(str(item), channel_order='rgb') if isinstance(item, (str, Path)) else item[..., ::-1].copy()
        self.add_datasample(name, image, data_sample, draw_gt=False, pred_score_thr=self.score_threshold)
        boxes = self.get_image()
        parts = data_sample.get('parts')
        picture = boxes if parts is None else self.draw_decomposition(boxes, parts)
        if out_file is not None:
            save_image(picture, out_file)
        return picture

    def draw_decomposition(
        self, image: np.ndarray, parts: Dict[str, Tensor], out_file: Optional[str] = None
    ) -> np.ndarray:
        """Picture (RGB) of an image beside heat maps: mean magnitude over the channels of each part.

        All maps share one scale, so that a part that is small looks small.

        Args:
            image: uint8 ``[H, W, 3]``, RGB.
            parts: Maps ``[C, h, w]`` named ``base``, ``invariant`` and ``specific``.
            out_file: Path to write the picture to.

        Raises:
            ValueError: other names.
        """
        if set(parts) != set(_PARTS):
            raise ValueError(f'found maps {sorted(parts)}; expected {list(_PARTS)}')
        heat = {name: parts[name].detach().float().abs().mean(dim=0).cpu().numpy() for name in _PARTS}
        highest = max(float(values.max()) for values in heat.values()) or 1.0
        height, width = image.shape[:2]
        figure = Figure(figsize=(12, 3.2 * height / width + 0.4), layout='constrained')
        axes = figure.subplots(1, 4)
        axes[0].imshow(image)
        axes[0].set_title('detections')
        for axis, name in zip(axes[1:], _PARTS):
            axis.imshow(image.mean(axis=2), cmap='gray', extent=(0, width, height, 0))
            shown = axis.imshow(
                heat[name], cmap='inferno', alpha=0.75, vmin=0, vmax=highest, extent=(0, width, height, 0)
            )
            axis.set_title(name)
        figure.colorbar(shown, ax=axes, shrink=0.8)
        for axis in axes:
            axis.set_axis_off()
        picture = render(figure)
        if out_file is not None:
            save_image(picture, out_file)
        return picture

    def draw_domains(
        self,
        features: Dict[str, np.ndarray],
        domains: Sequence[str],
        method: str = 'pca',
        seed: int = 0,
        out_file: Optional[str] = None,
    ) -> np.ndarray:
        """Picture (RGB) of pooled features in the plane, coloured by domain, one panel for each set of features.

        Args:
            features: ``[N, C]`` under the title of its panel, such as ``before`` and ``after``.
            domains: Domain of each of the ``N`` rows.
            method: ``'pca'`` or ``'tsne'``.
            seed: Seed of t-SNE.
            out_file: Path to write the picture to.

        Raises:
            ValueError: another method, or features of another number than the domains.
        """
        figure = Figure(figsize=(4.5 * len(features), 4.2), layout='constrained')
        axes = np.atleast_1d(figure.subplots(1, len(features)))
        for axis, (title, values) in zip(axes, features.items()):
            if len(values) != len(domains):
                raise ValueError(f'found {len(values)} features {title!r} of {len(domains)} domains')
            points = project(values, method, seed)
            for domain in dict.fromkeys(domains):
                chosen = np.array([each == domain for each in domains])
                axis.scatter(*points[chosen].T, s=8, alpha=0.7, label=domain)
            axis.set_title(title)
            axis.set_xticks([])
            axis.set_yticks([])
        axes[0].legend()
        picture = render(figure)
        if out_file is not None:
            save_image(picture, out_file)
        return picture


def project(features: np.ndarray, method: str = 'pca', seed: int = 0) -> np.ndarray:
    """Features ``[N, C]`` in the plane, ``[N, 2]``, by PCA or t-SNE of scikit-learn.

    Raises:
        ValueError: another method.
    """
    if method not in ('pca', 'tsne'):
        raise ValueError(f"method {method!r} is unknown; expected 'pca' or 'tsne'")
    if method == 'pca':
        decomposition = require('sklearn.decomposition', 'DecompositionVisualizer')
        return decomposition.PCA(n_components=2, random_state=seed).fit_transform(features)
    manifold = require('sklearn.manifold', 'DecompositionVisualizer')
    perplexity = min(30.0, (len(features) - 1) / 3)
    return manifold.TSNE(n_components=2, perplexity=perplexity, init='pca', random_state=seed).fit_transform(features)
