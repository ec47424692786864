"""Which node of a video belongs to which node of a query, as a latent variable."""

from typing import Dict, NamedTuple, Optional, Sequence, Tuple

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from vlplugins.models.layers.graph_levels import GraphLevels, States
from vlplugins.models.layers.masked_softmax import masked_softmax
from vlplugins.models.layers.proposal_map import coverage
from vlplugins.models.layers.variational_matching import Gaussian, Pairs, VariationalMatching
from vlplugins.registry import MODELS
from vlplugins.structures.sentence_graph import LEVELS


class Comparison(NamedTuple):
    """What all chains of a batch share, by level.

    Attributes:
        query: States that are matched, ``[B, M, d]``.
        video: States that are matched, ``[B, N, d]``; N is ``P * P``, P or ``P * K``.
        masks: Pairs that exist, booleans ``[B, M, N]``.
        pairs: Cosines and features of pairs.
        prior: Gaussians without the evidence of the coarser level.
        parents: ``[B, O, A]``, the share of each action in an atom; rows of zeros for atoms without any.
        positions: P.
    """

    query: States
    video: States
    masks: States
    pairs: Dict[str, Pairs]
    prior: Dict[str, Gaussian]
    parents: Tensor
    positions: int


class Chain(NamedTuple):
    """Correspondences that were drawn from coarse to fine.

    Attributes:
        matrices: By level ``[B, M, N]``, 0..1; rows sum to at most 1, the rest fits nothing.
        prior: By level the Gaussian of the prior, given the coarser correspondences of this chain.
        posterior: The same of the posterior; ``None`` for a chain of the prior.
    """

    matrices: States
    prior: Dict[str, Gaussian]
    posterior: Optional[Dict[str, Gaussian]]


@MODELS.register_module()
class VariationalCrossGraphCorrespondence(BaseModule):
    """Draws correspondences of events, then of actions, then of atoms, each given the coarser ones.

    On each level the fit z of query node i and video node j is Gaussian (:class:`VariationalMatching`), and
    ``a_i = softmax([z_i / tau ; 0])`` without its last entry: a query node may match nothing. The evidence of the
    coarser level enters the mean of z. For actions it is the logarithm of the mass of the events that cover a
    position; for atoms that of the mean of the correspondences of their actions, or of the events where they have none.

    In training z is sampled; a chain of the posterior, which knows the true segment, also evaluates the prior on its
    own coarser samples, as the bound needs it. In evaluation z is the mean of the prior.

    Args:
        dim: Width of the nodes.
        match_dim: Width of the space in which they are compared.
        levels: Those that are matched.
        variational: Whether there are variances and a posterior.
        structured: Whether the coarser level has a say.
        match_states: ``'context_free'``: actions and atoms are compared by states that know of nothing but themselves,
            so that a pair of words cannot be learned as a whole; ``'graph'``: by those after the graph layers. Events
            always have the latter.
        temperature: tau.
        logvar_range: Bounds of the logarithm of a variance.
        null_node: Whether a node may match nothing.
        init_cfg: MMEngine initialisation.

    Raises:
        ValueError: no level or an unknown one, a fine level without 'event' while ``structured``, an unknown
            ``match_states``, or a temperature that is not above 0.
    """

    def __init__(
        self,
        dim: int,
        match_dim: int = 128,
        levels: Sequence[str] = LEVELS,
        variational: bool = True,
        structured: bool = True,
        match_states: str = 'context_free',
        temperature: float = 1.0,
        logvar_range: Tuple[float, float] = (-6.0, 2.0),
        null_node: bool = True,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        if not levels or set(levels) - set(LEVELS):
            raise ValueError(f'levels {tuple(levels)}; expected one or more of {LEVELS}')
        if structured and 'event' not in levels:
            raise ValueError(f"levels {tuple(levels)} lack 'event', which structured=True needs")
        if match_states not in ('context_free', 'graph'):
            raise ValueError(f"match_states {match_states!r} is unknown; expected 'context_free' or 'graph'")
        if temperature <= 0:
            raise ValueError(f'temperature {temperature} must be above 0')
        self.levels = tuple(level for level in LEVELS if level in levels)
        self.variational, self.structured, self.null_node = variational, structured, null_node
        self.match_states, self.temperature = match_states, temperature
        self.matching = nn.ModuleDict(
            {level: VariationalMatching(dim, match_dim, variational, logvar_range) for level in self.levels}
        )
        for level in self.levels:
            # Parameters that no path reaches would be missed by distributed training.
            if not structured or level == 'event':
                self.matching[level].structure.requires_grad_(False)

    def compare(self, query: GraphLevels, video: GraphLevels, parents: Tensor) -> Comparison:
        """Compare all nodes of B queries and videos.

        Args:
            query: Of queries.
            video: Of videos.
            parents: ``[B, O, A]``, rows sum to 1, or are zero.
        """
        queries, videos, masks, pairs, prior = {}, {}, {}, {}, {}
        for level, matching in self.matching.items():
            queries[level] = self._states(query, level)[level]
            videos[level] = self._states(video, level)[level].flatten(1, -2)
            real = torch.ones(videos[level].size(1), dtype=torch.bool, device=parents.device)
            real = video.masks['event'].flatten() if level == 'event' else real
            masks[level] = query.masks[level][..., None] & real
            pairs[level] = matching.pair(queries[level], videos[level])
            prior[level] = matching.prior(pairs[level], None)
        positions = video.masks['event'].size(0)
        return Comparison(queries, videos, masks, pairs, prior, parents, positions)

    def _states(self, graph: GraphLevels, level: str) -> States:
        return graph.reasoned if level == 'event' or self.match_states == 'graph' else graph.context_free

    def forward(
        self,
        comparison: Comparison,
        overlaps: Optional[States] = None,
        generator: Optional[torch.Generator] = None,
    ) -> Chain:
        """Draw a chain: of the posterior where overlaps are given, else of the prior.

        Args:
            comparison: Of :meth:`compare`.
            overlaps: By level the overlap ``[B, N]`` (0..1) of the video nodes with the true segment.
            generator: Source of random numbers; in evaluation there is a sample only where it is given.

        Raises:
            ValueError: overlaps for a model without posterior.
        """
        if overlaps is not None and not self.variational:
            raise ValueError('variational=False: there is no posterior that overlaps could enter')
        matrices: States = {}
        priors: Dict[str, Gaussian] = {}
        posteriors: Dict[str, Gaussian] = {}
        for level, matching in self.matching.items():
            coarser = self._coarser(level, matrices, comparison)
            drawn = priors[level] = matching.add_coarser(comparison.prior[level], coarser)
            if overlaps is not None:
                drawn = matching.posterior(comparison.pairs[level], coarser, overlaps[level])
                posteriors[level] = drawn
            matrices[level] = self._match(self._sample(drawn, generator), comparison.masks[level])
        return Chain(matrices, priors, posteriors if overlaps is not None else None)

    def _coarser(self, level: str, matrices: States, comparison: Comparison) -> Optional[Tensor]:
        """c ``[B, M, N]`` or, for actions, ``[B, 1, N]``: logarithms of the evidence of the coarser levels."""
        if level == 'event' or not self.structured:
            return None
        size = comparison.positions
        mass = coverage(matrices['event'].unflatten(-1, (size, size)))
        if level == 'atom':
            parents = comparison.parents.float()
            if 'action' in matrices:
                # A sum of products instead of a product of matrices, which half precision would round.
                from_actions = (parents[..., None] * matrices['action'][:, None]).sum(dim=2)
                mass = torch.where(parents.any(dim=-1, keepdim=True), from_actions, mass)
            mass = mass.repeat_interleave(comparison.video['atom'].size(1) // size, dim=-1)
        return torch.log(1e-4 + mass)

    def _sample(self, gaussian: Gaussian, generator: Optional[torch.Generator]) -> Tensor:
        mean, logvar = gaussian
        if not self.variational or not (self.training or generator is not None):
            return mean
        noise = torch.randn(mean.shape, dtype=mean.dtype, device=mean.device, generator=generator)
        return mean + (logvar / 2).exp() * noise

    def _match(self, fit: Tensor, mask: Tensor) -> Tensor:
        """Softmax over the valid video nodes, and over nothing; ``[B, M, N]``, zeros for nodes that are padding."""
        logits = fit / self.temperature
        if not self.null_node:
            return masked_softmax(logits, mask)
        null = logits.new_zeros((*logits.shape[:2], 1))
        is_there = torch.cat([mask, torch.ones_like(mask[..., :1])], dim=-1)
        return masked_softmax(torch.cat([logits, null], dim=-1), is_there)[..., :-1]
