"""Pre-training on images and texts in which regions and phrases learn from games (LOUPE)."""

from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

import torch
import torch.nn.functional as F
from mmengine.model import BaseModel
from mmengine.structures import InstanceData
from torch import Tensor, nn

from vlplugins.models.heads.region_phrase_aligner import Alignment
from vlplugins.models.layers.game_texts import GameTexts, gather_game_texts, phrase_keys
from vlplugins.models.layers.members import pool_members, span_members
from vlplugins.models.task_modules.alignment_game import AlignmentValue, ClosedFormSemantic
from vlplugins.models.task_modules.shapley import step_generator
from vlplugins.registry import MODELS, TASK_UTILS

Losses = Dict[str, Tensor]


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


@MODELS.register_module()
class FineGrainedVLPretrainer(BaseModel):
    """Two encoders, a head that finds regions, and an alignment of these with phrases.

    This is LOUPE (Li et al., NeurIPS 2022). Whole images and texts learn by contrast. Boxes of the head are coalitions
    of patches in a game that a phrase judges: how much they cooperate is the target of their confidence, and no box of
    a person is seen. Pairs of regions and phrases are coalitions of a second game, which gives soft labels for their
    alignment. On several processes the texts of a game are those of the own process.

    ``loss_weights`` has the factors ``cmc``, ``tsa`` and ``fsa``; a ``ScheduledValueHook`` on ``loss_weights.tsa``
    begins a game late. At 0 the game is not played, and its parameters get gradients of 0.

    Args:
        image_backbone: Config of a backbone ``[B, 3, H, W]`` to feature maps, of which the last is used.
        image_channels: Channels of that map.
        text_backbone: Config of :class:`BertTextEncoder` or its like, with a ``width``.
        embed_dim: D.
        loss_contrastive: Config of :class:`InfoNCELoss`.
        region_head: Config of :class:`SemanticRegionHead`.
        aligner: Config of :class:`RegionPhraseAligner`.
        loss_region: Config of :class:`TokenShapleyLoss`; ``None``: the first game is not played.
        loss_location: Config of :class:`RegionLocationLoss`; ``None``: boxes are not moved.
        loss_alignment: Config of :class:`SemanticShapleyLoss`; ``None``: the second game is not played.
        value: Config of the score of the first game, such as :class:`MatchedProbValue`.
        sampler: Config of the estimator of its interactions, such as :class:`SampledShapley`.
        token_estimator: Config of :class:`HybridShapley` that spares samples; ``None``: all are taken.
        game_text: ``'phrase'``: each phrase judges, among those of the batch; ``'caption'``: the whole text, which
            favours the whole image where a text names several things. A text without phrases always judges as a whole.
        max_texts: Texts that compete, at most.
        num_game_images: The first so many images of a batch play; ``None``: all.
        loss_weights: Factors of the losses.
        seed: Of the generators of boxes and texts.
        confidence_weight: Factor of the logarithm of the confidence in the score of a box for a query.
        data_preprocessor: Config.
        init_cfg: MMEngine initialisation.

    Raises:
        ValueError: unknown ``game_text``, or games without a ``region_head``.
    """

    def __init__(
        self,
        image_backbone: dict,
        image_channels: int,
        text_backbone: dict,
        embed_dim: int = 256,
        loss_contrastive: Optional[dict] = None,
        region_head: Optional[dict] = None,
        aligner: Optional[dict] = None,
        loss_region: Optional[dict] = None,
        loss_location: Optional[dict] = None,
        loss_alignment: Optional[dict] = None,
        value: Optional[dict] = None,
        sampler: Optional[dict] = None,
        token_estimator: Optional[dict] = None,
        game_text: str = 'phrase',
        max_texts: int = 64,
        num_game_images: Optional[int] = None,
        loss_weights: Optional[Dict[str, float]] = None,
        seed: int = 0,
        confidence_weight: float = 1.0,
        data_preprocessor: Optional[dict] = None,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(None if data_preprocessor is None else MODELS.build(data_preprocessor), init_cfg)
        if game_text not in ('phrase', 'caption'):
            raise ValueError(f"game_text {game_text!r} is unknown; expected 'phrase' or 'caption'")
        if region_head is None and (loss_region or loss_alignment):
            raise ValueError('loss_region and loss_alignment need a region_head, which is None')
        if loss_region is None and (loss_location or token_estimator):
            raise ValueError('loss_location and token_estimator need a loss_region, which is None')
        self.image_backbone, self.text_backbone = MODELS.build(image_backbone), MODELS.build(text_backbone)
        self.proj_img = nn.Linear(image_channels, embed_dim)
        self.proj_txt = nn.Linear(self.text_backbone.width, embed_dim)
        for layer in (self.proj_img, self.proj_txt):
            nn.init.trunc_normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)
        contrastive = dict(type='vlplugins.InfoNCELoss', symmetric=True, learn_scale=True)
        self.loss_contrastive = MODELS.build(loss_contrastive or contrastive)
        self.aligner = MODELS.build(aligner or dict(type='vlplugins.RegionPhraseAligner'))
        parts = dict(
            region_head=region_head,
            loss_region=loss_region,
            loss_location=loss_location,
            loss_alignment=loss_alignment,
            token_estimator=token_estimator,
        )
        for name, cfg in parts.items():
            setattr(self, name, None if cfg is None else MODELS.build(cfg))
        self.value = TASK_UTILS.build(value or dict(type='vlplugins.MatchedProbValue'))
        self.sampler = TASK_UTILS.build(sampler or dict(type='vlplugins.SampledShapley'))
        self.game_text, self.max_texts, self.num_game_images = game_text, max_texts, num_game_images
        self.loss_weights = {**dict(cmc=1.0, tsa=1.0, fsa=1.0), **(loss_weights or {})}
        self.seed, self.confidence_weight = seed, confidence_weight
        self.register_buffer('game_steps', torch.zeros((), dtype=torch.long))

    def forward(
        self, inputs: Dict[str, Tensor], data_samples: Optional[List] = None, mode: str = 'tensor'
    ) -> Union[Losses, List, Encoded]:
        """Run the model.

        Args:
            inputs: ``image [B, 3, H, W]``; ``text_ids`` and ``text_mask``, ``[B, L]``; ``phrase_spans [B, N, 2]``
                integers, start and exclusive end of each phrase in tokens, empty at padding (or absent: no phrases).
            data_samples: B samples, for ``'predict'``.
            mode: ``'loss'``; ``'tensor'``: :class:`Encoded`; ``'predict'``: the samples with ``pred_instances``, the
                boxes of the image for its text, best first, in pixels of the input, divided by ``scale_factor`` where
                there is one.

        Raises:
            ValueError: another mode.
        """
        if mode == 'loss':
            return self.loss(inputs)
        if mode == 'tensor':
            return self.encode(inputs)
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        raise ValueError(f"mode {mode!r} is unknown; expected 'loss', 'predict' or 'tensor'")

    def encode(self, inputs: Dict[str, Tensor]) -> Encoded:
        """Encode images, texts and phrases."""
        feature_map = self.image_backbone(inputs['image'])[-1]
        patches = self.proj_img(feature_map.flatten(2).transpose(1, 2))
        text_ids, text_mask = inputs['text_ids'], inputs['text_mask'].bool()
        words = self.proj_txt(self.text_backbone(text_ids, text_mask))
        spans = inputs.get('phrase_spans')
        spans = text_ids.new_zeros(len(text_ids), 1, 2) if spans is None else spans
        members = span_members(spans, text_mask)
        phrases, keys = pool_members(words, members), phrase_keys(text_ids, members)
        return Encoded(patches.mean(dim=1), patches, feature_map, words[:, 0], phrases, members.any(dim=2), keys)

    def loss(self, inputs: Dict[str, Tensor]) -> Losses:
        """The contrastive loss, and those of the games that are on."""
        encoded = self.encode(inputs)
        losses = dict(loss_cmc=self.loss_weights['cmc'] * self.loss_contrastive(encoded.image, encoded.text))
        if self.loss_region is None and self.loss_alignment is None:
            return losses
        tsa_on = self.loss_region is not None and self.loss_weights['tsa'] > 0
        fsa_on = self.loss_alignment is not None and self.loss_weights['fsa'] > 0
        if tsa_on or fsa_on:
            losses.update(self._play(encoded, inputs, tsa_on, fsa_on))
        unused = [] if tsa_on else [self.region_head, self.token_estimator]
        idle = [each.sum() * 0 for part in unused if part is not None for each in part.parameters()]
        if idle:
            losses['loss_idle'] = sum(idle)
        return losses

    def _play(self, encoded: Encoded, inputs: Dict[str, Tensor], tsa_on: bool, fsa_on: bool) -> Losses:
        encoded = Encoded(*(each[: self.num_game_images] for each in encoded))
        grid, image_size = tuple(encoded.feature_map.shape[-2:]), tuple(inputs['image'].shape[-2:])
        step = int(self.game_steps)
        self.game_steps += 1
        generator = step_generator(self.seed, step, encoded.patches.device)
        boxes, logits = self.region_head(encoded.feature_map, image_size)
        regions = self.region_head.select(boxes, logits, grid, image_size, generator)
        losses = {}
        if tsa_on:
            texts = self._game_texts(encoded, inputs, generator)
            losses.update(self._token_losses(encoded, regions, texts, image_size, step))
        if fsa_on:
            confident = self.region_head.num_regions
            members, mask = regions.members[:, :confident], regions.confident[:, :confident]
            aligned = self.aligner(pool_members(encoded.patches, members), encoded.phrases, mask, encoded.phrase_mask)
            losses['loss_fsa'] = self._semantic_loss(aligned, mask, encoded.phrase_mask)
        return losses

    def _game_texts(self, encoded: Encoded, inputs: Dict[str, Tensor], generator: torch.Generator) -> GameTexts:
        """Phrases judge, or whole texts: where that is asked for, and where a text has no phrase."""
        mask = inputs['text_mask'].bool()[: len(encoded.text)]
        keys = phrase_keys(inputs['text_ids'][: len(encoded.text)], mask[:, None])
        text = encoded.text[:, None]
        if self.game_text == 'caption':
            return gather_game_texts(text, keys, torch.ones_like(keys, dtype=torch.bool), self.max_texts, generator)
        first = torch.arange(encoded.phrase_mask.size(1), device=keys.device) == 0
        whole = first & ~encoded.phrase_mask.any(dim=1, keepdim=True)
        features = torch.where(whole[..., None], text, encoded.phrases)
        keys = torch.where(whole, keys, encoded.phrase_keys)
        return gather_game_texts(features, keys, encoded.phrase_mask | whole, self.max_texts, generator)

    def _token_losses(
        self, encoded: Encoded, regions: Any, texts: GameTexts, image_size: Tuple[int, int], step: int
    ) -> Losses:
        patches = encoded.patches.detach()
        game = self.value.game(patches, texts.texts.detach(), texts.own, texts.candidates)
        wanted = regions.valid[:, :, None] & texts.valid[:, None]
        losses = {}
        if self.token_estimator is None:
            interactions = self.sampler.estimate(game, regions.members, step).mean
        else:
            own = texts.texts[:, : texts.own.size(1)]
            result = self.token_estimator(
                (patches, own, regions.members), lambda each: self._sample(game, regions.members, each, step), wanted
            )
            interactions, losses['loss_unsil'] = result.interactions, result.loss
            losses.update({f'unsil/{name}': value for name, value in result.logs.items()})
        targets = self.loss_region.targets(interactions, regions.members.sum(dim=2), regions.valid, texts.valid)
        weight = self.loss_weights['tsa']
        losses['loss_tsa'] = weight * self.loss_region(regions.logits, targets, regions.valid)
        # Touches the weights of boxes also where nothing teaches them.
        losses['loss_loc'] = regions.boxes.sum() * 0
        if self.loss_location is not None:
            shares = regions.boxes / regions.boxes.new_tensor([image_size[1], image_size[0]] * 2)
            losses['loss_loc'] = weight * self.loss_location(shares, targets, regions.valid)
        return losses

    def _sample(self, game: Any, coalitions: Tensor, wanted: Tensor, step: int) -> Tensor:
        """Interactions ``[B, C, P]``, sampled for the coalitions that one text at least wants."""
        which = wanted.any(dim=2)
        most = int(which.sum(dim=1).max())
        index = which.float().topk(most, dim=1).indices
        chosen = coalitions.gather(1, index[..., None].expand(-1, -1, coalitions.size(2)))
        found = self.sampler.estimate(game, chosen, step).mean
        return found.new_zeros(wanted.shape).scatter(1, index[..., None].expand_as(found), found)

    def _semantic_loss(self, aligned: Alignment, region_mask: Tensor, phrase_mask: Tensor) -> Tensor:
        game = AlignmentValue().game(aligned.to_phrases, aligned.to_regions, region_mask, phrase_mask)
        labels = ClosedFormSemantic().estimate(game).mean
        loss = self.loss_alignment(aligned.log_to_phrases, aligned.log_to_regions, labels, region_mask, phrase_mask)
        return self.loss_weights['fsa'] * loss

    @torch.no_grad()
    def predict(self, inputs: Dict[str, Tensor], data_samples: List) -> List:
        """Find what each text names in its image, without a game."""
        if self.region_head is None:
            raise ValueError('boxes need a region_head, which is None')
        encoded = self.encode(inputs)
        grid, image_size = tuple(encoded.feature_map.shape[-2:]), tuple(inputs['image'].shape[-2:])
        regions = self.region_head.select(*self.region_head(encoded.feature_map, image_size), grid, image_size)
        features = pool_members(encoded.patches, regions.members)
        cosines = F.cosine_similarity(features.float(), encoded.text[:, None].float(), dim=-1)
        scores = cosines / self.aligner.temperature + self.confidence_weight * F.logsigmoid(regions.logits)
        scores, order = scores.masked_fill(~regions.valid, -torch.inf).sort(dim=1, descending=True)
        for row, sample in enumerate(data_samples):
            kept = order[row][scores[row].isfinite()]
            boxes = regions.boxes[row][kept]
            factor = sample.metainfo.get('scale_factor')
            boxes = boxes if factor is None else boxes / boxes.new_tensor(tuple(factor) * 2)
            sample.pred_instances = InstanceData(bboxes=boxes, scores=scores[row][: len(kept)])
        return data_samples
