"""Inference with a slimmable classifier or encoder, at one width or at all."""

import warnings
from pathlib import Path
from typing import Any, Dict, Optional, Union

import numpy as np
from mmengine.infer.infer import ModelType

from vlplugins.apis.base import BaseInferencer, Input
from vlplugins.datasets.formats.images import IMAGE_EXTENSIONS
from vlplugins.models.layers.switchable import untrained_widths
from vlplugins.registry import INFERENCERS
from vlplugins.utils.widths import width_name


@INFERENCERS.register_module()
class SlimmableInferencer(BaseInferencer):
    """Class, score and feature of images from a slimmable model.

    An image is a path, or an array ``[H, W, 3]`` in BGR order or ``[H, W]`` with values 0..255. A prediction is
    ``dict(img_path, label, class_name, score, feature)``; ``class_name`` where the checkpoint knows its classes, no
    label and score from a model without classifier. With ``width='all'`` it is ``dict(img_path, widths)`` with such
    an entry for each width: ``widths['w0.50']``.

    Args:
        model: Path of a config, or a config, of :class:`SlimmableClassifier` or :class:`FeatureExtractor`.
        weights: Checkpoint.
        width: The width to run at, or ``'all'``.
        device: As in :class:`BaseInferencer`.
        show_progress: Show a progress bar.

    Raises:
        ValueError: a width that the model does not have; the known ones are listed.
    """

    extensions = IMAGE_EXTENSIONS

    def __init__(
        self,
        model: Union[ModelType, str],
        weights: Optional[str] = None,
        width: Union[float, str] = 1.0,
        device: Optional[str] = None,
        show_progress: bool = True,
    ) -> None:
        super().__init__(model, weights, device, show_progress)
        known = self.model.widths
        if width != 'all' and width not in known:
            raise ValueError(f"unknown width {width!r}; the model has {known}, or 'all'")
        self.width = width
        self.model.test_widths = known if width == 'all' else (width,)
        if weights is not None:
            idle = [each for each in untrained_widths(self.model) if each in self.model.test_widths]
            if idle:
                names = ', '.join(map(width_name, idle))
                warnings.warn(
                    f'{weights}: the widths {names} were never trained (slow start not reached?)', stacklevel=2
                )

    def to_record(self, item: Input) -> Dict[str, Any]:
        """Path or array as the loading transform takes it."""
        return dict(img=item) if isinstance(item, np.ndarray) else dict(img_path=str(item))

    def to_plain(self, sample: Any) -> Dict[str, Any]:
        """Plain data of one image."""
        entries = {width_name(width): self._entry(sample, width) for width in self.model.test_widths}
        plain = dict(img_path=str(Path(sample.img_path))) if 'img_path' in sample else {}
        return {**plain, **(dict(widths=entries) if self.width == 'all' else next(iter(entries.values())))}

    def _entry(self, sample: Any, width: float) -> Dict[str, Any]:
        entry: Dict[str, Any] = {}
        if 'pred_scores' in sample:
            label = int(sample.pred_labels[width])
            entry = dict(label=label, score=float(sample.pred_scores[width][label]))
            if self.classes is not None:
                entry['class_name'] = self.classes[label]
        return {**entry, 'feature': sample.features[width].tolist()}
