"""Detection in images with a domain-adaptive detector, or any other detector of mmdet."""

import argparse
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Union

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.infer.infer import ModelType

from vlplugins.apis.base import BaseInferencer, Input, find_pipeline
from vlplugins.datasets.formats.images import IMAGE_EXTENSIONS
from vlplugins.registry import INFERENCERS, TRANSFORMS

_OF_TRUTH = ('LoadAnnotations',)


@INFERENCERS.register_module()
class DomainAdaptiveDetInferencer(BaseInferencer):
    """Boxes of images, and heat maps of what the detector takes for invariant and for specific of the domain.

    An image is a path, or an array ``[H, W, 3]`` in BGR order, uint8. A prediction is ``dict(img_path,
    boxes=[dict(bbox, score, label, class_name), ...])``; ``bbox`` is ``x1, y1, x2, y2`` in pixels of the image as it
    was given. mmdet's own ``DetInferencer`` with ``scope='vlplugins'`` takes these models as well.

    Args:
        model: Path of a config, or a config, of a detector.
        weights: Checkpoint.
        score_threshold: Least score of the boxes that are given.
        show_parts: Draw the maps beside the boxes.
        device: As in :class:`BaseInferencer`.
        show_progress: Show a progress bar.
    """

    extensions = IMAGE_EXTENSIONS

    def __init__(
        self,
        model: Union[ModelType, str],
        weights: Optional[str] = None,
        score_threshold: float = 0.3,
        show_parts: bool = False,
        device: Optional[str] = None,
        show_progress: bool = True,
    ) -> None:
        super().__init__(model, weights, device, show_progress)
        self.score_threshold, self.show_parts = score_threshold, show_parts
        if self.visualizer is not None:
            self.visualizer.score_threshold = score_threshold

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Add the arguments of ``tools/infer.py`` for this task."""
        group = parser.add_argument_group('detection (the inputs are images)')
        group.add_argument('--parts', action='store_true', help='draw the invariant and the specific map, too')
        group.add_argument('--score-threshold', type=float, help='least score of a box (default: that of the config)')

    def apply_arguments(self, args: argparse.Namespace) -> None:
        """Do what the arguments of :meth:`add_arguments` ask for."""
        self.show_parts = args.parts or self.show_parts
        if args.score_threshold is not None:
            self.score_threshold = self.visualizer.score_threshold = args.score_threshold

    def _init_pipeline(self, cfg: Config) -> Callable:
        kept = []
        for transform in find_pipeline(cfg):
            name = str(transform['type']).split('.')[-1]
            if name == 'LoadImageFromFile':
                transform = dict(type='mmdet.InferencerLoader')
            elif name == 'PackDetInputs':
                transform['meta_keys'] = ('img_path', 'ori_shape', 'img_shape', 'scale_factor')
            if name not in _OF_TRUTH:
                kept.append(transform)
        with TRANSFORMS.switch_scope_and_registry(self.scope) as registry:
            return Compose([registry.build(each) for each in kept])

    @torch.no_grad()
    def forward(self, inputs: Any, **kwargs: Any) -> List[Any]:
        """Detect in one batch.

        With ``show_parts`` each sample gets the maps of its image, those of the finest level.

        Raises:
            ValueError: ``show_parts`` of a detector that divides no map.
        """
        if self.show_parts and not hasattr(self.model, 'decompose'):
            raise ValueError(f'a {type(self.model).__name__} divides no map; leave out show_parts (--parts)')
        samples = self.model.test_step(inputs)
        if self.show_parts:
            images = self.model.data_preprocessor(inputs, False)['inputs']
            finest = self.model.decompose(images)[0]
            for index, sample in enumerate(samples):
                parts = {name: values[index] for name, values in finest._asdict().items()}
                sample.set_field(parts, 'parts', dtype=dict)
        return samples

    def visualize(self, inputs: List[Input], preds: List[Any], vis_out_dir: Optional[str] = None) -> List[np.ndarray]:
        """Draw each prediction, with the classes of the checkpoint, or of the config."""
        self.classes = self._class_names()
        return super().visualize(inputs, preds, vis_out_dir)

    def _class_names(self) -> Optional[List[str]]:
        if self.classes is not None:
            return self.classes
        dataset = self.cfg.test_dataloader.dataset
        while 'metainfo' not in dataset and 'datasets' in dataset:
            dataset = dataset['datasets'][0]
        return dataset.get('metainfo', {}).get('classes')

    def to_plain(self, sample: Any) -> Dict[str, Any]:
        """Boxes above the threshold, best first."""
        found, names = sample.pred_instances.cpu(), self._class_names()
        found = found[found.scores >= self.score_threshold]
        boxes = []
        for box, score, label in zip(found.bboxes.tolist(), found.scores.tolist(), found.labels.tolist()):
            boxes.append(dict(bbox=box, score=score, label=label, class_name=names[label] if names else None))
        path = sample.get('img_path')
        return dict(img_path=None if path is None else str(Path(path)), boxes=boxes)
