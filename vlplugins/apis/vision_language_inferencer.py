"""Retrieval, detection and grounding by texts in images."""

import argparse
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.infer.infer import ModelType
from mmengine.structures import InstanceData
from torch import Tensor

from vlplugins.apis.base import BaseInferencer, Input, find_pipeline
from vlplugins.apis.interaction_maps import competing_texts, interaction_maps
from vlplugins.apis.vision_language_pictures import VisionLanguagePictures, as_bgr
from vlplugins.datasets.formats.images import IMAGE_EXTENSIONS
from vlplugins.datasets.transforms.class_prompts import read_prompts
from vlplugins.models.algorithms.dual_encoder import boxes_in_file
from vlplugins.registry import INFERENCERS, TASK_UTILS, TRANSFORMS

MODES = ('retrieval', 'detection', 'grounding')
RANKS = ('texts', 'images')
# What loads and packs is put in here; the rest is of texts and of the truth.
_LEFT_OUT = ('LoadImage', 'LoadImageFromFile', 'LoadAnnotations', 'Tokenize', 'MapPhraseSpans', 'AddClassPrompts')
_LEFT_OUT += ('PackVLInputs', 'PackDetInputs')


@INFERENCERS.register_module(name=['VisionLanguageInferencer', 'VLInferencer'])
class VisionLanguageInferencer(VisionLanguagePictures, BaseInferencer):
    """What texts have to do with images, by a model of two encoders such as :class:`FineGrainedVLPretrainer`.

    ``inferencer(images, texts=[...])``: an image is a path, a folder of images, or an array in BGR order, uint8,
    ``[H, W, 3]``, ``[H, W]`` (grey) or ``[H, W, 4]``. Boxes are ``x1, y1, x2, y2`` in pixels of the image as it was
    given. The predictions of each mode, best first:

    - ``'retrieval'``: for each image ``dict(img_path, texts=[dict(text, score), ...])``; with ``rank='images'`` for
      each text ``dict(text, images=[dict(img_path, index, score), ...])``. A score is a cosine.
    - ``'detection'``, the texts are names of classes: ``dict(img_path, boxes=[dict(bbox, score, label, class_name),
      ...])``.
    - ``'grounding'``: ``dict(img_path, phrases=[dict(phrase, boxes=[dict(bbox, score), ...]), ...])``. A score is a
      logarithm, to be compared within a phrase.

    Args:
        model: Path of a config, or a config.
        weights: Checkpoint.
        mode: One of the three; by default the ``test_mode`` of the model.
        texts: Texts of calls that give none. Detection takes those of the config's prompts, where it has some.
        templates: What the texts of detection and grounding are put into, ``['an image of {}']``; by default as the
            test pipeline does it. Of several, detection takes the mean and grounding the first.
        topk: Texts or images of a ranking, and boxes of a phrase.
        score_threshold: Least score of a detected box.
        rank: What retrieval orders: ``'texts'`` of each image, or ``'images'`` of each text.
        show_interactions: Add to grounding where patches cooperate for each phrase (``interactions`` and their
            standard errors ``uncertainty``, over the grid of patches), and draw it. The phrases compete: ``min_texts``
            of the score of the game are needed, three by default.
        device: As in :class:`BaseInferencer`.
        show_progress: Show a progress bar.

    Raises:
        ValueError: an unknown mode or rank, a model without what the mode needs, a pipeline without tokenizer;
            (when called) no texts or empty ones, arrays that are no images, cropped images in a mode with boxes.
        FileNotFoundError: (when called) a missing image.
        RecordError: (when called) a damaged image.
    """

    extensions = IMAGE_EXTENSIONS
    forward_kwargs = {'texts'}

    def __init__(
        self,
        model: Union[ModelType, str],
        weights: Optional[str] = None,
        mode: Optional[str] = None,
        texts: Optional[Sequence[str]] = None,
        templates: Optional[Sequence[str]] = None,
        topk: int = 5,
        score_threshold: float = 0.0,
        rank: str = 'texts',
        show_interactions: bool = False,
        device: Optional[str] = None,
        show_progress: bool = True,
    ) -> None:
        if rank not in RANKS:
            raise ValueError(f'rank {rank!r} is unknown; expected one of {RANKS}')
        if topk < 1:
            raise ValueError(f'topk {topk} must be at least 1')
        self._given_templates = templates
        super().__init__(model, weights, device, show_progress)
        if not hasattr(self.model, 'encode_queries'):
            raise ValueError(f'{type(self.model).__name__} is no model of two encoders: it has no encode_queries')
        self.texts = self._default_texts if texts is None else texts
        self.topk, self.score_threshold, self.rank = topk, score_threshold, rank
        self.show_interactions = show_interactions
        self._features: Tuple[Any, Optional[Tensor]] = (None, None)
        self.set_mode(mode or self.model.test_mode)

    def set_mode(self, mode: str) -> None:
        """Do another of the three tasks from now on.

        Raises:
            ValueError: an unknown mode, or boxes of a model without region head.
        """
        if mode not in MODES:
            raise ValueError(f'mode {mode!r} is unknown; expected one of {MODES}')
        if mode != 'retrieval' and self.model.region_head is None:
            raise ValueError(f'mode {mode!r} needs a model with a region_head')
        self.mode = self.model.test_mode = mode

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Add the arguments of ``tools/infer.py`` for this task."""
        group = parser.add_argument_group('images and texts (the inputs are images)')
        group.add_argument('--texts', nargs='+', metavar='TEXT', help='captions, classes or phrases')
        group.add_argument('--mode', choices=MODES, help='the task (default: that of the config)')
        group.add_argument('--rank', choices=RANKS, help='retrieval: texts of each image, or images of each text')
        group.add_argument('--topk', type=int, help='length of a ranking, or boxes of a phrase')
        group.add_argument('--score-threshold', type=float, help='least score of a detected box')
        group.add_argument('--interactions', action='store_true', help='grounding: where patches cooperate, too')

    def apply_arguments(self, args: argparse.Namespace) -> None:
        """Do what the arguments of :meth:`add_arguments` ask for."""
        self.set_mode(args.mode or self.mode)
        self.texts, self.rank, self.topk = args.texts or self.texts, args.rank or self.rank, args.topk or self.topk
        self.show_interactions = args.interactions or self.show_interactions
        if args.score_threshold is not None:
            self.score_threshold = args.score_threshold
        self._check_texts(self.texts)

    def _init_pipeline(self, cfg: Config) -> Callable:
        steps = [(str(step['type']).split('.')[-1], step) for step in find_pipeline(cfg)]
        of_texts = [step for name, step in steps if name in ('Tokenize', 'AddClassPrompts')]
        if not of_texts:
            raise ValueError(f'the test pipeline {[name for name, _ in steps]} has no Tokenize or AddClassPrompts')
        prompts = of_texts[0].get('prompts')
        found = {} if prompts is None else read_prompts(prompts)
        template = of_texts[0].get('template')
        self._default_texts = found.get('names')
        self.templates = list(
            self._given_templates or of_texts[0].get('templates') or found.get('templates') or [template or '{}']
        )
        with TASK_UTILS.switch_scope_and_registry(self.scope) as registry:
            self.tokenizer = registry.build(of_texts[0]['tokenizer'])
        kept = [dict(type='vlplugins.LoadImage'), *(step for name, step in steps if name not in _LEFT_OUT)]
        with TRANSFORMS.switch_scope_and_registry(self.scope) as registry:
            pipeline = Compose([registry.build(each) for each in [*kept, dict(type='vlplugins.PackVLInputs')]])
        return lambda item: self._check_geometry(pipeline(self.to_record(item)))

    def to_record(self, item: Input) -> Dict[str, Any]:
        """Path or colour image of one input."""
        return dict(img_path=item) if isinstance(item, (str, Path)) else dict(img=as_bgr(item))

    def _check_geometry(self, packed: Dict[str, Any]) -> Dict[str, Any]:
        """Boxes can be carried back where the image was stretched, and nothing else."""
        meta = packed['data_samples'].metainfo
        factor = meta.get('scale_factor') or (1.0, 1.0)
        expected = [meta['ori_shape'][axis] * factor[1 - axis] for axis in (0, 1)]
        if self.mode != 'retrieval' and not np.allclose(expected, packed['inputs']['image'].shape[1:], atol=1.0):
            raise ValueError(
                f'the test pipeline crops images, so that mode {self.mode!r} cannot give boxes; take a config of that '
                'task, or one that resizes with keep_ratio=False'
            )
        return packed

    def _check_texts(self, texts: Optional[Sequence[str]]) -> List[str]:
        texts = [texts] if isinstance(texts, str) else list(texts or ())
        if not texts:
            raise ValueError("no texts; give texts=['a red car', ...] (--texts)")
        if not all(isinstance(each, str) and each.strip() for each in texts):
            raise ValueError(f'found texts {texts!r}; expected strings that are not empty')
        return [each.strip() for each in texts]

    def __call__(self, inputs: Any, texts: Union[None, str, Sequence[str]] = None, **kwargs: Any) -> Dict[str, Any]:
        """Predict; see the class, and :class:`BaseInferencer` for the arguments that all have."""
        chosen = self._check_texts(self.texts if texts is None else texts)
        return super().__call__(inputs, texts=chosen, **kwargs)

    def tokenize(self, texts: Sequence[str]) -> Tuple[Tensor, Tensor]:
        """Ids and mask ``[K, T, M]`` of K texts, as the mode puts them into T templates; ``[K, 1, M]`` in retrieval."""
        templates = dict(retrieval=['{}'], detection=self.templates, grounding=self.templates[:1])[self.mode]
        if self.mode != 'retrieval':
            texts = [text.lower() for text in texts]
        filled = [template.format(text) for text in texts for template in templates]
        ids = torch.from_numpy(self.tokenizer.encode_batch(filled)).unflatten(0, (len(texts), len(templates)))
        prepared = self.model.data_preprocessor(dict(inputs=dict(class_prompts=[ids])), False)['inputs']
        return prepared['class_prompts'], prepared['class_prompt_mask']

    def _text_features(self, texts: Sequence[str]) -> Tensor:
        """Features ``[K, D]``, encoded once for all batches."""
        key = (self.mode, tuple(texts))
        if self._features[0] != key:
            ids, mask = (each[:, 0] for each in self.tokenize(texts))
            words, pool = self.model.encode_texts(ids, mask), self.model.text_pool
            if self.mode == 'grounding':
                pool = self.model.query_pool
            self._features = (key, self.model.pool_texts(words, mask, pool))
        return self._features[1]

    @torch.no_grad()
    def forward(self, inputs: Any, texts: Sequence[str] = (), **kwargs: Any) -> List[Any]:
        """Predict one batch of images."""
        prepared = self.model.data_preprocessor(inputs, False)
        samples, image = prepared['data_samples'], prepared['inputs']['image']
        for sample in samples:
            sample.set_metainfo(dict(text=list(texts)))
        if self.mode == 'detection':
            ids, mask = self.tokenize(texts)
            given = dict(image=image, class_prompts=ids, class_prompt_mask=mask)
            for sample in self.model.predict(given, samples):
                sample.pred_instances = sample.pred_instances[sample.pred_instances.scores >= self.score_threshold]
            return samples
        features = self._text_features(texts)
        if self.mode == 'retrieval':
            images = F.normalize(self.model.encode_images(image)[0].float(), dim=-1)
            for sample, scores in zip(samples, images @ F.normalize(features.float(), dim=-1).T):
                sample.text_scores = scores
            return samples
        return self._ground(image, features, samples)

    def _ground(self, image: Tensor, features: Tensor, samples: List[Any]) -> List[Any]:
        boxes, logits, regions = self.model.all_regions(image)
        scores = self.model.ground(regions, logits, features.expand(len(image), -1, -1)).transpose(1, 2)
        scores, order = scores.topk(min(self.topk, scores.size(2)), dim=2)
        labels = torch.arange(len(features), device=image.device).repeat_interleave(scores.size(2))
        for row, sample in enumerate(samples):
            found = boxes_in_file(boxes[row][order[row].flatten()], sample)
            sample.pred_instances = InstanceData(bboxes=found, scores=scores[row].flatten(), labels=labels)
        if self.show_interactions:
            competing = competing_texts(features, samples[0].texts, len(image))
            values, uncertainty = interaction_maps(self.model, image, competing)
            for sample, value, error in zip(samples, values, uncertainty):
                sample.set_field(dict(values=value, uncertainty=error), 'interactions', dtype=dict)
        return samples

    def rank_images(self, samples: Sequence[Any]) -> List[Dict[str, Any]]:
        """For each text of retrieval the images, best first."""
        scores = torch.stack([sample.text_scores for sample in samples])
        values, order = scores.topk(min(self.topk, len(samples)), dim=0)
        found = []
        for text, column, places in zip(samples[0].texts, values.T.tolist(), order.T.tolist()):
            images = [
                dict(img_path=_path_of(samples[place]), index=place, score=score)
                for place, score in zip(places, column)
            ]
            found.append(dict(text=text, images=images))
        return found

    def postprocess(
        self, preds: List[Any], visualization: List[np.ndarray], *args: Any, **kwargs: Any
    ) -> Dict[str, Any]:
        """As :meth:`BaseInferencer.postprocess`; images that are ranked for texts are plain data already."""
        return super().postprocess(self.rank_images(preds) if self._by_text else preds, visualization, *args, **kwargs)

    def to_plain(self, sample: Any) -> Dict[str, Any]:
        """Plain data of one prediction."""
        if isinstance(sample, dict):
            return sample
        path, texts = _path_of(sample), sample.texts
        if self.mode == 'retrieval':
            scores, order = sample.text_scores.topk(min(self.topk, len(texts)))
            ranked = [dict(text=texts[place], score=score) for place, score in zip(order.tolist(), scores.tolist())]
            return dict(img_path=path, texts=ranked)
        found = sample.pred_instances.cpu()
        rows = list(zip(found.bboxes.tolist(), found.scores.tolist(), found.labels.tolist()))
        if self.mode == 'detection':
            boxes = [dict(bbox=box, score=score, label=label, class_name=texts[label]) for box, score, label in rows]
            return dict(img_path=path, boxes=boxes)
        phrases: List[Dict[str, Any]] = [dict(phrase=text, boxes=[]) for text in texts]
        for box, score, label in rows:
            phrases[label]['boxes'].append(dict(bbox=box, score=score))
        maps = sample.get('interactions')
        if maps is not None:
            for phrase, values, errors in zip(phrases, maps['values'].tolist(), maps['uncertainty'].tolist()):
                phrase.update(interactions=values, uncertainty=errors)
        return dict(img_path=path, phrases=phrases)


def _path_of(sample: Any) -> Optional[str]:
    path = sample.metainfo.get('img_path')
    return None if path is None else str(path)
