"""Pre-training on images and texts in which regions and phrases learn from games (LOUPE)."""

from typing import Any, Dict, List, Optional, Union

import torch
from torch import Tensor, nn

from vlplugins.models.algorithms.dual_encoder import DualEncoder, Encoded
from vlplugins.models.heads.region_phrase_aligner import Alignment
from vlplugins.models.heads.semantic_region_head import Regions
from vlplugins.models.layers.game_texts import GameTexts, gather_game_texts, phrase_keys
from vlplugins.models.layers.members import pool_members
from vlplugins.models.layers.step_counter import StepCounter
from vlplugins.models.task_modules.alignment_game import AlignmentValue, ClosedFormSemantic, pair_coalitions
from vlplugins.models.task_modules.coalitions import estimate_groups, step_generator
from vlplugins.models.task_modules.game_values import AdditiveLogitGame
from vlplugins.registry import MODELS, TASK_UTILS

Losses = Dict[str, Tensor]
_LOSS_WEIGHTS = dict(cmc=1.0, tsa=1.0, fsa=1.0)


@MODELS.register_module()
class FineGrainedVLPretrainer(DualEncoder):
    """Two encoders, a head that finds regions, and an alignment of these with phrases.

    This is LOUPE (Li et al., NeurIPS 2022). Whole images and texts learn by contrast. Boxes of the head are coalitions
    of patches in a game that a phrase judges: how much they cooperate is the target of their confidence, and no box of
    a person is seen. Pairs of regions and phrases are coalitions of a second game, which gives soft labels for their
    alignment. On several processes the texts of a game are those of the own process.

    ``loss_weights`` has the factors ``cmc``, ``tsa`` and ``fsa``; a ``ScheduledValueHook`` on ``loss_weights.tsa``
    begins a game late, and one on ``token_estimator.mode`` changes who is asked for interactions. At a weight of 0 a
    game is not played, and its parameters get gradients of 0. A text judges where ``min_texts`` of the value compete;
    ``game/too_few_texts`` is the share of those that do not.

    Args:
        image_backbone: As of :class:`DualEncoder`.
        image_channels: As of :class:`DualEncoder`.
        text_backbone: As of :class:`DualEncoder`.
        embed_dim: D.
        loss_contrastive: Config of :class:`InfoNCELoss`.
        region_head: Config of :class:`SemanticRegionHead`.
        aligner: Config of :class:`RegionPhraseAligner`.
        loss_region: Config of :class:`TokenShapleyLoss`; ``None``: the first game is not played.
        loss_location: Config of :class:`RegionLocationLoss`; ``None``: boxes are not moved.
        loss_alignment: Config of :class:`SemanticShapleyLoss`; ``None``: the second game is not played.
        value: Config of the score of the first game, such as :class:`MatchedProbValue`.
        sampler: Config of the estimator of its interactions, such as :class:`SampledShapley`.
        token_estimator: Config of :class:`HybridShapley` over :class:`TokenUNSIL`, which spares samples; ``None``: all
            are taken.
        semantic_sampler: Config of the estimator of the second game: :class:`ClosedFormSemantic`, or one of any game.
        semantic_estimator: Config of :class:`HybridShapley` over :class:`SemanticUNSIL`; ``None``: all interactions are
            those of ``semantic_sampler``.
        game_text: ``'phrase'``: each phrase judges, among those of the batch; ``'caption'``: the whole text, which
            favours the whole image where a text names several things. A text without phrases always judges as a whole.
        max_texts: Texts that compete, at most.
        num_game_images: The first so many images of a batch play; ``None``: all.
        loss_weights: Factors of the losses.
        seed: Of the generators of boxes and texts.
        kwargs: ``test_mode``, ``test_cfg``, ``confidence_weight``, ``data_preprocessor`` and ``init_cfg`` of
            :class:`DualEncoder`.

    Raises:
        ValueError: unknown ``game_text`` or ``loss_weights``, parts that need others, an exact estimator of too many
            players, an estimator of another ``embed_dim``.
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
        semantic_sampler: Optional[dict] = None,
        semantic_estimator: Optional[dict] = None,
        game_text: str = 'phrase',
        max_texts: int = 64,
        num_game_images: Optional[int] = None,
        loss_weights: Optional[Dict[str, float]] = None,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        if game_text not in ('phrase', 'caption'):
            raise ValueError(f"game_text {game_text!r} is unknown; expected 'phrase' or 'caption'")
        if region_head is None and (loss_region or loss_alignment):
            raise ValueError('loss_region and loss_alignment need a region_head, which is None')
        if loss_region is None and (loss_location or token_estimator):
            raise ValueError('loss_location and token_estimator need a loss_region, which is None')
        if loss_alignment is None and semantic_estimator:
            raise ValueError('semantic_estimator needs a loss_alignment, which is None')
        unknown = set(loss_weights or ()) - set(_LOSS_WEIGHTS)
        if unknown:
            raise ValueError(f'loss_weights has {sorted(unknown)}; expected some of {sorted(_LOSS_WEIGHTS)}')
        super().__init__(image_backbone, image_channels, text_backbone, embed_dim, region_head, aligner, **kwargs)
        contrastive = dict(type='vlplugins.InfoNCELoss', symmetric=True, learn_scale=True)
        self.loss_contrastive = MODELS.build(loss_contrastive or contrastive)
        parts = dict(
            loss_region=loss_region,
            loss_location=loss_location,
            loss_alignment=loss_alignment,
            token_estimator=token_estimator,
            semantic_estimator=semantic_estimator,
        )
        for name, cfg in parts.items():
            setattr(self, name, None if cfg is None else MODELS.build(cfg))
        self.value = TASK_UTILS.build(value or dict(type='vlplugins.MatchedProbValue'))
        self.sampler = TASK_UTILS.build(sampler or dict(type='vlplugins.SampledShapley'))
        self.semantic_sampler = TASK_UTILS.build(semantic_sampler or dict(type='vlplugins.ClosedFormSemantic'))
        self.game_text, self.max_texts, self.num_game_images = game_text, max_texts, num_game_images
        self.loss_weights = {**_LOSS_WEIGHTS, **(loss_weights or {})}
        self.seed, self.game_steps = seed, StepCounter()
        self._check_parts()

    def _check_parts(self) -> None:
        """Refuse, before training, what would fail in a game."""
        for name in ('token_estimator', 'semantic_estimator'):
            dim = getattr(getattr(getattr(self, name), 'estimator', None), 'dim', self.embed_dim)
            if dim != self.embed_dim:
                raise ValueError(f'{name} has dim {dim}; expected {self.embed_dim}, the embed_dim of the model')
        grid = getattr(self.region_head, 'grid', None)
        if self.loss_region is not None and grid is not None and hasattr(self.sampler, 'check_players'):
            self.sampler.check_players(grid[0] * grid[1])
        if self.loss_alignment is not None and hasattr(self.semantic_sampler, 'check_players'):
            # With one phrase at least.
            self.semantic_sampler.check_players(self.region_head.num_regions + 1)
        halves = [hasattr(self.image_backbone, name) for name in ('embed', 'encode')]
        if self._reencodes and not all(halves):
            backbone = type(self.image_backbone).__name__
            raise ValueError(
                f"value {type(self.value).__name__} needs a backbone with 'embed' and 'encode', not {backbone}"
            )

    @property
    def _reencodes(self) -> bool:
        return getattr(self.value, 'reencodes', False)

    def forward(
        self, inputs: Dict[str, Tensor], data_samples: Optional[List] = None, mode: str = 'tensor'
    ) -> Union[Losses, List, Encoded]:
        """Run the model.

        Args:
            inputs: ``image [B, 3, H, W]``; ``text_ids`` and ``text_mask``, ``[B, L]``; ``phrase_spans [B, N, 2]``
                integers, start and exclusive end of each phrase in tokens, empty at padding (or absent: no phrases). To
                predict, as :meth:`DualEncoder.predict` needs them.
            data_samples: B samples, for ``'predict'``.
            mode: ``'loss'``; ``'tensor'``: :class:`Encoded`; ``'predict'``: the samples, filled as ``test_mode`` says.

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

    def loss(self, inputs: Dict[str, Tensor]) -> Losses:
        """The contrastive loss, and those of the games that are on."""
        encoded = self.encode(inputs)
        losses = dict(loss_cmc=self.loss_weights['cmc'] * self.loss_contrastive(encoded.image, encoded.text))
        tsa_on = self.loss_region is not None and self.loss_weights['tsa'] > 0
        fsa_on = self.loss_alignment is not None and self.loss_weights['fsa'] > 0
        if tsa_on or fsa_on:
            losses.update(self._play(encoded, inputs, tsa_on, fsa_on))
        unused: List[Optional[nn.Module]] = [] if tsa_on else [self.region_head, self.token_estimator]
        unused += [] if fsa_on else [self.semantic_estimator]
        idle = [each.sum() * 0 for part in unused if part is not None for each in part.parameters()]
        if idle:
            losses['loss_idle'] = sum(idle)
        return losses

    def _play(self, encoded: Encoded, inputs: Dict[str, Tensor], tsa_on: bool, fsa_on: bool) -> Losses:
        encoded = Encoded(*(each[: self.num_game_images] for each in encoded))
        grid, image_size = tuple(encoded.feature_map.shape[-2:]), tuple(inputs['image'].shape[-2:])
        generator = step_generator(self.seed, self.game_steps.value, encoded.patches.device)
        boxes, logits = self.region_head(encoded.feature_map, image_size)
        regions = self.region_head.select(boxes, logits, grid, image_size, generator)
        losses = {}
        if tsa_on:
            texts = self.game_texts(encoded, inputs, generator)
            losses.update(self._token_losses(encoded, regions, texts, inputs['image']))
        if fsa_on:
            losses.update(self._semantic_losses(encoded, regions))
        self.game_steps.value += 1
        return losses

    def game_texts(self, encoded: Encoded, inputs: Dict[str, Tensor], generator: torch.Generator) -> GameTexts:
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

    def token_game(self, patches: Tensor, texts: GameTexts, image: Tensor) -> Any:
        """The first game of images ``[B, 3, H, W]`` with patches ``[B, n, D]``."""
        options: Dict[str, Any] = dict(texts=texts.texts.detach(), own=texts.own, candidates=texts.candidates)
        if not self._reencodes:
            return self.value.game(patches.detach(), **options)
        embedded = self.image_backbone.embed(image[: len(patches)]).detach().flatten(2).transpose(1, 2)
        return self.value.game(
            embedded, encode=lambda each: self.proj_img(self.image_backbone.encode(each).mean(dim=1)), **options
        )

    def _token_losses(self, encoded: Encoded, regions: Regions, texts: GameTexts, image: Tensor) -> Losses:
        game, step = self.token_game(encoded.patches, texts, image), self.game_steps.value
        valid = texts.with_rivals(self.value.min_texts).valid
        wanted = regions.valid[:, :, None] & valid[:, None]
        losses = {'game/too_few_texts': 1 - valid.sum() / texts.valid.sum().clamp(min=1)}
        losses.update(self._game_logs(game, valid))

        def sample(rows: Optional[Tensor]) -> Tensor:
            """Interactions ``[B, C, P]`` of all boxes, or ``[k, P]`` of those numbered ``rows``."""
            return estimate_groups(self.sampler, game, regions.members[:, :, None], rows, step).squeeze(-2)

        if self.token_estimator is None:
            interactions = sample(None)
        else:
            own = texts.texts[:, : texts.own.size(1)]
            result = self.token_estimator((encoded.patches, own, regions.members), sample, wanted)
            interactions, losses['loss_unsil'] = result.interactions, result.loss
            losses.update({f'unsil/{name}': value for name, value in result.logs.items()})
        targets = self.loss_region.targets(interactions, regions.members.sum(dim=2), regions.valid, valid)
        weight = self.loss_weights['tsa']
        # Without a game an image says nothing of its boxes, not that they are no regions.
        judged = regions.valid & valid.any(dim=1, keepdim=True)
        losses['loss_tsa'] = weight * self.loss_region(regions.logits, targets, judged)
        # Touches the weights of boxes also where nothing teaches them.
        losses['loss_loc'] = regions.boxes.sum() * 0
        if self.loss_location is not None:
            shares = regions.boxes / regions.boxes.new_tensor([image.size(3), image.size(2)] * 2)
            losses['loss_loc'] = weight * self.loss_location(shares, targets, regions.valid)
        return losses

    def _game_logs(self, game: Any, valid: Tensor) -> Losses:
        """Probability of the full coalition, and share of the games whose gain was lowered, where there are such."""
        if not isinstance(game, AdditiveLogitGame):
            return {}
        count = valid.sum().clamp(min=1)
        full = torch.where(valid, game.full_probability(), 0.0).sum() / count
        lowered = (valid & (game.gain < self.value.gain)).sum() / count
        return {'game/full_prob': full, 'game/capped_ratio': lowered}

    def _semantic_losses(self, encoded: Encoded, regions: Regions) -> Losses:
        confident = self.region_head.num_regions
        members, mask = regions.members[:, :confident], regions.confident[:, :confident]
        features, phrases, phrase_mask = pool_members(encoded.patches, members), encoded.phrases, encoded.phrase_mask
        aligned = self.aligner(features, phrases, mask, phrase_mask)
        losses: Losses = {}
        if self.semantic_estimator is None:
            interactions = self._pair_interactions(aligned, mask, phrase_mask, None)
        else:
            result = self.semantic_estimator(
                (features, phrases, mask, phrase_mask, aligned.logits),
                lambda rows: self._pair_interactions(aligned, mask, phrase_mask, rows),
                mask[:, :, None] & phrase_mask[:, None],
            )
            interactions, losses['loss_unsil_semantic'] = result.interactions, result.loss
            losses.update({f'unsil_semantic/{name}': value for name, value in result.logs.items()})
        loss = self.loss_alignment(aligned.log_to_phrases, aligned.log_to_regions, interactions, mask, phrase_mask)
        losses['loss_fsa'] = self.loss_weights['fsa'] * loss
        return losses

    def _pair_interactions(
        self, aligned: Alignment, region_mask: Tensor, phrase_mask: Tensor, rows: Optional[Tensor]
    ) -> Tensor:
        """Interactions ``[B, M, N]`` of pairs, or ``[k, N]`` of the regions numbered ``rows [k]`` in the batch."""
        game = AlignmentValue().game(aligned.to_phrases, aligned.to_regions, region_mask, phrase_mask)
        if isinstance(self.semantic_sampler, ClosedFormSemantic):
            found = self.semantic_sampler.estimate(game).mean
            return found if rows is None else found.flatten(0, 1)[rows]
        batch, regions, phrases = aligned.to_phrases.shape
        pairs = pair_coalitions(regions, phrases).to(region_mask.device).unflatten(0, (regions, phrases))
        pairs = pairs.expand(batch, -1, -1, -1)
        return estimate_groups(self.semantic_sampler, game, pairs, rows, self.game_steps.value)
