"""Two encoders of images and texts with a head that finds regions: retrieval, detection and grounding."""

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import torch
import torch.nn.functional as F
from mmengine.model import BaseModel
from mmengine.structures import InstanceData
from torch import Tensor, nn

from vlplugins.models.layers.game_texts import phrase_keys
from vlplugins.models.layers.members import box_members, pool_members, span_members
from vlplugins.registry import MODELS

_POOLS = ('cls', 'words')
_MODES = ('retrieval', 'detection', 'grounding')
_TEST_CFG = dict(num_regions=100, nms_iou=0.5, score_thr=0.001, class_nms_iou=0.5, max_per_img=100)


class Encoded(NamedTuple):
    """A batch behind its encoders, in the joint space of D dimensions.

    Attributes:
        image: ``[B, D]``.
        patches: ``[B, n, D]``, row-major.
        feature_map: ``[B, C, rows, columns]`` of the image backbone.
        text: ``[B, D]``.
        phrases: ``[B, N, D]``.
        phrase_mask: ``[B, N]`` booleans.
        phrase_keys: ``[B, N]`` integers, equal for equal phrases.
    """

    image: Tensor
    patches: Tensor
    feature_map: Tensor
    text: Tensor
    phrases: Tensor
    phrase_mask: Tensor
    phrase_keys: Tensor


class DualEncoder(BaseModel):
    """Encoders of images and texts, and what is read from them without further training.

    Retrieval: ``image_feature [D]`` and ``text_features [C, D]`` of each sample, of length 1. Detection: each region is
    given the class whose prompt it is nearest to, with the score ``confidence * softmax(cosines / temperature)``, and
    boxes of a class suppress each other. Grounding: all regions, ordered by ``cosine / temperature +
    confidence_weight * log(confidence)`` with the whole text.

    Args:
        image_backbone: Config of a backbone ``[B, 3, H, W]`` to feature maps, of which the last is used.
        image_channels: Channels of that map.
        text_backbone: Config of :class:`BertTextEncoder` or its like, with a ``width``.
        embed_dim: D.
        region_head: Config of :class:`SemanticRegionHead`; ``None``: there are no regions.
        aligner: Config of :class:`RegionPhraseAligner`, whose temperature is that of detection and grounding.
        test_mode: What ``predict`` does: ``'retrieval'``, ``'detection'`` or ``'grounding'``.
        test_cfg: ``num_regions`` and ``nms_iou`` of detection before classes are known, ``score_thr``,
            ``class_nms_iou`` and ``max_per_img`` after it; by default 100, 0.5, 0.001, 0.5, 100. Grounding has
            ``max_per_img`` alone.
        text_pool: Feature of a text: ``'cls'``, that of its first token, or ``'words'``, the mean of the tokens between
            the first and the last, as that of a phrase is.
        query_pool: The same for the text of grounding and for prompts; by default ``text_pool``.
        confidence_weight: Factor of the logarithm of the confidence in grounding; 0: similarity alone.
        data_preprocessor: Config.
        init_cfg: MMEngine initialisation.

    Raises:
        ValueError: unknown ``test_mode``, ``test_cfg``, ``text_pool`` or ``query_pool``, or regions without a head.
    """

    def __init__(
        self,
        image_backbone: dict,
        image_channels: int,
        text_backbone: dict,
        embed_dim: int = 256,
        region_head: Optional[dict] = None,
        aligner: Optional[dict] = None,
        test_mode: str = 'retrieval',
        test_cfg: Optional[dict] = None,
        text_pool: str = 'cls',
        query_pool: Optional[str] = None,
        confidence_weight: float = 1.0,
        data_preprocessor: Optional[dict] = None,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(None if data_preprocessor is None else MODELS.build(data_preprocessor), init_cfg)
        if test_mode not in _MODES:
            raise ValueError(f'test_mode {test_mode!r} is unknown; expected one of {_MODES}')
        if test_mode != 'retrieval' and region_head is None:
            raise ValueError(f'test_mode {test_mode!r} needs a region_head, which is None')
        unknown = set(test_cfg or ()) - set(_TEST_CFG)
        if unknown:
            raise ValueError(f'test_cfg has {sorted(unknown)}; expected some of {sorted(_TEST_CFG)}')
        self.text_pool, self.query_pool = text_pool, query_pool or text_pool
        for name in ('text_pool', 'query_pool'):
            if getattr(self, name) not in _POOLS:
                raise ValueError(f'{name} {getattr(self, name)!r} is unknown; expected one of {_POOLS}')
        self.image_backbone, self.text_backbone = MODELS.build(image_backbone), MODELS.build(text_backbone)
        self.proj_img = nn.Linear(image_channels, embed_dim)
        self.proj_txt = nn.Linear(self.text_backbone.width, embed_dim)
        for layer in (self.proj_img, self.proj_txt):
            nn.init.trunc_normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)
        self.region_head = None if region_head is None else MODELS.build(region_head)
        self.aligner = MODELS.build(aligner or dict(type='vlplugins.RegionPhraseAligner'))
        self.test_mode, self.test_cfg = test_mode, {**_TEST_CFG, **(test_cfg or {})}
        self.embed_dim, self.confidence_weight = embed_dim, confidence_weight

    def encode_images(self, image: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        """Images ``[B, 3, H, W]`` to global features ``[B, D]``, patches ``[B, n, D]``, and the feature map."""
        feature_map = self.image_backbone(image)[-1]
        patches = self.proj_img(feature_map.flatten(2).transpose(1, 2))
        # The projection is affine: the mean behind it is that before it.
        return patches.mean(dim=1), patches, feature_map

    def encode_texts(self, text_ids: Tensor, text_mask: Tensor) -> Tensor:
        """Token ids and their mask ``[B, L]`` to features ``[B, L, D]`` of the tokens."""
        return self.proj_txt(self.text_backbone(text_ids, text_mask))

    @staticmethod
    def pool_texts(words: Tensor, text_mask: Tensor, pool: str) -> Tensor:
        """Features ``[B, D]`` of texts, of those of their tokens ``[B, L, D]``."""
        if pool == 'cls':
            return words[:, 0]
        place = torch.arange(text_mask.size(1), device=text_mask.device)
        between = (place > 0) & (place < text_mask.sum(dim=1, keepdim=True) - 1)
        return pool_members(words, between[:, None])[:, 0]

    def encode_queries(self, text_ids: Tensor, text_mask: Tensor) -> Tensor:
        """Token ids and their mask ``[B, L]`` to features ``[B, D]`` that regions are compared with."""
        return self.pool_texts(self.encode_texts(text_ids, text_mask), text_mask, self.query_pool)

    def encode(self, inputs: Dict[str, Tensor]) -> Encoded:
        """Encode images, texts and phrases."""
        text_ids, text_mask = inputs['text_ids'], inputs['text_mask'].bool()
        words = self.encode_texts(text_ids, text_mask)
        spans = inputs.get('phrase_spans')
        spans = text_ids.new_zeros(len(text_ids), 1, 2) if spans is None else spans
        members = span_members(spans, text_mask)
        phrases, keys = pool_members(words, members), phrase_keys(text_ids, members)
        text = self.pool_texts(words, text_mask, self.text_pool)
        return Encoded(*self.encode_images(inputs['image']), text, phrases, members.any(dim=2), keys)

    @torch.no_grad()
    def predict(self, inputs: Dict[str, Any], data_samples: List) -> List:
        """Fill samples as ``test_mode`` says; boxes are in pixels of the files."""
        return getattr(self, f'_predict_{self.test_mode}')(inputs, data_samples)

    def _predict_retrieval(self, inputs: Dict[str, Any], data_samples: List) -> List:
        images = F.normalize(self.encode_images(inputs['image'])[0].float(), dim=-1)
        words, mask = self.encode_texts(inputs['text_ids'], inputs['text_mask']), inputs['text_mask']
        texts = F.normalize(self.pool_texts(words, mask, self.text_pool).float(), dim=-1)
        counts = inputs.get('captions_per_image') or [1] * len(images)
        for sample, image, text in zip(data_samples, images, texts.split(counts)):
            sample.image_feature, sample.text_features = image, text
        return data_samples

    def _predict_grounding(self, inputs: Dict[str, Any], data_samples: List) -> List:
        text = self.encode_queries(inputs['text_ids'], inputs['text_mask'])
        boxes, logits, features = self.all_regions(inputs['image'])
        scores = self.ground(features, logits, text[:, None])[:, :, 0]
        scores, order = scores.topk(min(self.test_cfg['max_per_img'], scores.size(1)), dim=1)
        boxes = boxes.gather(1, order[..., None].expand(-1, -1, 4))
        for sample, found, score in zip(data_samples, boxes, scores):
            sample.pred_instances = InstanceData(bboxes=boxes_in_file(found, sample), scores=score)
        return data_samples

    def all_regions(self, image: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        """All boxes ``[B, Q, 4]`` in pixels of the input, logits ``[B, Q]`` of them, features ``[B, Q, D]``."""
        _, patches, feature_map = self.encode_images(image)
        image_size = tuple(image.shape[-2:])
        boxes, logits = self.region_head(feature_map, image_size)
        members = box_members(boxes, tuple(feature_map.shape[-2:]), image_size)
        return boxes, logits, pool_members(patches, members)

    def ground(self, features: Tensor, logits: Tensor, texts: Tensor) -> Tensor:
        """Scores ``[B, Q, T]`` of regions ``[B, Q, D]`` with their logits ``[B, Q]`` for texts ``[B, T, D]``."""
        features, texts = F.normalize(features.float(), dim=-1), F.normalize(texts.float(), dim=-1)
        similarity = features @ texts.transpose(1, 2) / self.aligner.temperature
        return similarity + self.confidence_weight * F.logsigmoid(logits.float())[..., None]

    def class_features(self, prompts: Tensor, mask: Tensor) -> Tensor:
        """Features ``[K, D]`` of K classes, from T prompts each: ``[K, T, L]`` ids and mask; of length 1."""
        words = self.encode_queries(prompts.flatten(0, 1), mask.flatten(0, 1)).float()
        return F.normalize(F.normalize(words, dim=-1).unflatten(0, prompts.shape[:2]).mean(dim=1), dim=-1)

    def _predict_detection(self, inputs: Dict[str, Any], data_samples: List) -> List:
        if 'class_prompts' not in inputs:
            raise ValueError("no class_prompts; the transform 'AddClassPrompts' at the end of the pipeline gives them")
        classes = self.class_features(inputs['class_prompts'], inputs['class_prompt_mask'])
        _, patches, feature_map = self.encode_images(inputs['image'])
        grid, size, cfg = tuple(feature_map.shape[-2:]), tuple(inputs['image'].shape[-2:]), self.test_cfg
        boxes, logits = self.region_head(feature_map, size)
        most = min(cfg['num_regions'], boxes.size(1))
        regions = self.region_head.select(boxes, logits, grid, size, num_regions=most, nms_iou=cfg['nms_iou'])
        features = F.normalize(pool_members(patches, regions.members).float(), dim=-1)
        share, labels = (features @ classes.T / self.aligner.temperature).softmax(dim=-1).max(dim=-1)
        scores = regions.logits.float().sigmoid() * share
        image, region = (regions.valid & (scores > cfg['score_thr'])).nonzero(as_tuple=True)
        boxes, scores, labels = (each[image, region] for each in (regions.boxes.float(), scores, labels))
        options = dict(type='nms', iou_threshold=cfg['class_nms_iou'])
        # Best first; boxes of other images or classes do not suppress each other.
        # Compiled operators: whatever else the package holds works without them.
        from mmcv.ops import batched_nms

        _, kept = batched_nms(boxes.contiguous(), scores.contiguous(), image * len(classes) + labels, options)
        boxes, scores, labels, image = boxes[kept], scores[kept], labels[kept], image[kept]
        for row, sample in enumerate(data_samples):
            own = (image == row).nonzero().flatten()[: cfg['max_per_img']]
            found = InstanceData(bboxes=boxes_in_file(boxes[own], sample), scores=scores[own], labels=labels[own])
            sample.pred_instances = found
        return data_samples


def boxes_in_file(boxes: Tensor, sample: Any) -> Tensor:
    """Boxes ``[N, 4]`` from pixels of the input to those of the file, inside of it."""
    factor, shape = sample.metainfo.get('scale_factor'), sample.metainfo.get('ori_shape')
    boxes = boxes if factor is None else boxes / boxes.new_tensor(tuple(factor) * 2)
    if shape is None:
        return boxes
    return boxes.clamp(min=0).minimum(boxes.new_tensor([shape[1], shape[0]] * 2))
