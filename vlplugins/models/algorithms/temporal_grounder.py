"""Finding the moment of a video that a sentence describes."""

from typing import Any, Dict, List, Optional, Tuple, Union

import torch
from mmengine.model import BaseModel
from torch import Tensor

from vlplugins.models.heads.proposal_map_head import SegmentMap, evidence_of
from vlplugins.models.layers.graph_levels import GraphLevels, States
from vlplugins.models.layers.proposal_map import position_overlap, proposal_iou
from vlplugins.models.necks.cross_graph_correspondence import Chain, Comparison
from vlplugins.registry import MODELS

Inputs = Dict[str, Any]
_QUERY = ('tokens', 'token_lengths', 'action_spans', 'atom_index', 'node_mask', 'roles')


@MODELS.register_module()
class TemporalGrounder(BaseModel):
    """Graphs of query and video, their correspondence as a latent variable, and a map of segments.

    After Li et al., *Compositional Temporal Grounding with Structured Variational Cross-Graph Correspondence Learning*,
    CVPR 2022. In training the map is made twice: from correspondences of the posterior, which knows the true segment,
    and from those of the prior, which are all there is later::

        alpha * map(posterior) + (1 - alpha) * map(prior) + kl_weight * sum of levels KL + guide(prior)

    Losses are computed in single precision. ``kl_weight`` is a buffer for :class:`ScheduledValueHook`.

    Args:
        query_encoder: Config of the encoder of queries, :class:`QueryGraphEncoder`.
        video_encoder: Config of the encoder of videos, :class:`VideoGraphEncoder`.
        neck: Config of :class:`VariationalCrossGraphCorrespondence`.
        head: Config of :class:`ProposalMapHead`, without ``levels``.
        loss_kl: Config of the divergence of posterior and prior.
        loss_guide: Config of the loss of correspondences outside the true segment; ``None``: none.
        alpha: Share of the map of the posterior, 0..1.
        kl_weight: Weight of the divergence, until a hook sets it.
        num_samples: Samples of the prior over which predictions are averaged; 0: its means, without noise.
        sample_seed: Seed of these samples.
        return_correspondence: Whether predictions have ``correspondence``.
        data_preprocessor: Config of :class:`GroundingDataPreprocessor`.
        init_cfg: MMEngine initialisation.

    Raises:
        ValueError: alpha outside 0..1, or ``num_samples`` below 0.
    """

    def __init__(
        self,
        query_encoder: dict,
        video_encoder: dict,
        neck: dict,
        head: dict,
        loss_kl: dict = dict(type='vlplugins.DiagonalGaussianKL'),  # noqa: B006
        loss_guide: Optional[dict] = dict(type='vlplugins.CorrespondenceGuideLoss'),  # noqa: B006
        alpha: float = 0.5,
        kl_weight: float = 1.0,
        num_samples: int = 0,
        sample_seed: int = 0,
        return_correspondence: bool = False,
        data_preprocessor: Optional[dict] = None,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(data_preprocessor or dict(type='vlplugins.GroundingDataPreprocessor'), init_cfg)
        if not 0 <= alpha <= 1:
            raise ValueError(f'alpha {alpha} is outside 0..1')
        if num_samples < 0:
            raise ValueError(f'num_samples {num_samples} must not be negative')
        self.query_encoder, self.video_encoder = MODELS.build(query_encoder), MODELS.build(video_encoder)
        self.neck = MODELS.build(neck)
        self.head = MODELS.build(dict(head, levels=self.neck.levels))
        self.loss_kl = MODELS.build(loss_kl)
        self.loss_guide = None if loss_guide is None else MODELS.build(loss_guide)
        self.alpha, self.num_samples, self.sample_seed = alpha, num_samples, sample_seed
        self.return_correspondence = return_correspondence
        self.register_buffer('kl_weight', torch.tensor(float(kl_weight)))

    def forward(
        self, inputs: Inputs, data_samples: Optional[List] = None, mode: str = 'tensor'
    ) -> Union[Dict[str, Tensor], List, SegmentMap]:
        """Run the model on B queries.

        Args:
            inputs: Of :class:`GroundingDataPreprocessor`.
            data_samples: One :class:`TemporalDataSample` for each query, with the meta information ``duration``.
            mode: ``'loss'``: dict of losses; ``'tensor'``: the map of the prior; ``'predict'``: the samples with
                ``pred_instances`` (``segments [n, 2]`` in seconds and ``scores [n]``, best first), and, where asked
                for, ``correspondence``.

        Raises:
            ValueError: another mode, or a sample without the true segment in ``'loss'``.
        """
        if mode == 'loss':
            return self.loss(inputs, data_samples)
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        if mode == 'tensor':
            query, video, comparison = self.compare(inputs)
            return self.head(query, video, comparison, self.neck(comparison).matrices)
        raise ValueError(f"mode {mode!r} is unknown; expected 'loss', 'predict' or 'tensor'")

    def compare(self, inputs: Inputs) -> Tuple[GraphLevels, GraphLevels, Comparison]:
        """Nodes of queries and videos, and how they compare."""
        query = self.query_encoder(**{name: inputs[name] for name in _QUERY})
        video = self.video_encoder(inputs['video'], inputs.get('objects'))
        return query, video, self.neck.compare(query, video, inputs['parents'])

    def loss(self, inputs: Inputs, data_samples: List) -> Dict[str, Tensor]:
        """``loss_map_post``, ``loss_reg_post``, ``loss_map_prior``, ``loss_reg_prior``, ``loss_kl``, ``loss_guide``."""
        query, video, comparison = self.compare(inputs)
        truth = self._truth(data_samples, inputs['video'].device)
        prior = self.neck(comparison)
        losses: Dict[str, Tensor] = {}
        # Without variances both branches would be the same map.
        branches = [('prior', prior, 1 - self.alpha if self.neck.variational else 1.0)]
        if self.neck.variational:
            posterior = self.neck(comparison, self._overlaps(comparison, truth))
            branches.append(('post', posterior, self.alpha))
            losses['loss_kl'] = self.kl_weight * self._divergence(posterior, comparison)
        for name, chain, weight in branches:
            if weight > 0:
                found = self.head.loss(self.head(query, video, comparison, chain.matrices), truth)
                losses.update({f'{key}_{name}': weight * value for key, value in found.items()})
        if self.loss_guide is not None and self.head.local_levels:
            losses['loss_guide'] = self._guide(prior, query, inputs['guide_mask'], truth, comparison.positions)
        return losses

    @staticmethod
    def _truth(data_samples: List, device: torch.device) -> Tensor:
        """True segments as shares of their videos, ``[B, 2]``."""
        missing = [sample.get('query_id') for sample in data_samples if 'gt_intervals' not in sample]
        if missing:
            raise ValueError(f'training needs the true segment, which the query {missing[0]} lacks')
        seconds = torch.stack([sample.gt_intervals[0] for sample in data_samples]).to(device).float()
        durations = torch.tensor([float(sample.duration) for sample in data_samples])
        return seconds / durations.to(device, non_blocking=True)[:, None]

    @staticmethod
    def _overlaps(comparison: Comparison, truth: Tensor) -> States:
        """How much of each video node lies in the true segment (of events: their IoU), ``[B, N]`` by level."""
        size = comparison.positions
        inside = position_overlap(truth, size)
        found = dict(event=proposal_iou(truth, size).flatten(1), action=inside)
        if 'atom' in comparison.video:
            found['atom'] = inside.repeat_interleave(comparison.video['atom'].size(1) // size, dim=1)
        return found

    def _divergence(self, chain: Chain, comparison: Comparison) -> Tensor:
        return sum(
            self.loss_kl(chain.posterior[level], chain.prior[level], comparison.masks[level])
            for level in chain.matrices
        )

    def _guide(self, prior: Chain, query: GraphLevels, guide_mask: Tensor, truth: Tensor, positions: int) -> Tensor:
        num_actions = query.masks['action'].size(1)
        masks = dict(action=guide_mask[:, :num_actions], atom=guide_mask[:, num_actions:])
        levels = self.head.local_levels
        evidence = torch.cat([evidence_of(prior.matrices[level], positions) for level in levels], dim=1)
        mask = torch.cat([masks[level] for level in levels], dim=1)
        return self.loss_guide(evidence, position_overlap(truth, positions), mask)

    def predict(self, inputs: Inputs, data_samples: List) -> List:
        """Put the best segments into the samples; the true ones are not read."""
        query, video, comparison = self.compare(inputs)
        chain = self.neck(comparison)
        if self.num_samples:
            scores, shifts, mask = self._sampled_map(query, video, comparison)
        else:
            found = self.head(query, video, comparison, chain.matrices)
            scores, shifts, mask = found.logits.sigmoid(), found.shifts, found.mask
        durations = [float(sample.duration) for sample in data_samples]
        for sample, instances in zip(data_samples, self.head.decode(scores, shifts, mask, durations)):
            sample.pred_instances = instances
        if self.return_correspondence:
            self._add_correspondence(chain, query, comparison, data_samples)
        return data_samples

    def _sampled_map(self, query: GraphLevels, video: GraphLevels, comparison: Comparison) -> tuple:
        """Mean scores and shifts over samples of the prior."""
        generator = torch.Generator(comparison.parents.device).manual_seed(self.sample_seed)
        maps = [
            self.head(query, video, comparison, self.neck(comparison, generator=generator).matrices)
            for _ in range(self.num_samples)
        ]
        scores = torch.stack([each.logits.sigmoid() for each in maps]).mean(dim=0)
        return scores, torch.stack([each.shifts for each in maps]).mean(dim=0), maps[0].mask

    @staticmethod
    def _add_correspondence(chain: Chain, query: GraphLevels, comparison: Comparison, data_samples: List) -> None:
        """Give each sample a dict of ``event [P, P]``, ``action [A, P]`` and ``atom [O, P, K]``, without padding."""
        size = comparison.positions
        shapes = dict(event=(size, size), action=(size,), atom=(size, -1))
        for level, matrix in chain.matrices.items():
            counts = query.masks[level].sum(dim=1).tolist()
            for sample, count, rows in zip(data_samples, counts, matrix):
                found = rows[:count].unflatten(-1, shapes[level])
                known = sample.get('correspondence', {})
                sample.correspondence = {**known, level: found[0] if level == 'event' else found}
