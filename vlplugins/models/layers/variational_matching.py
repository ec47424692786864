"""A Gaussian over how well each query node fits each video node, before and after the answer is known."""

import math
from typing import NamedTuple, Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Gaussian = Tuple[Tensor, Tensor]


class Pairs(NamedTuple):
    """What prior and posterior share: the scaled cosine ``[B, M, N]`` and the features of pairs ``[B, M, N, 4c]``."""

    cosine: Tensor
    features: Tensor


class VariationalMatching(nn.Module):
    """Prior ``p(z | query, video)`` and posterior ``q(z | query, video, answer)`` of the fit z of M by N nodes.

    With u the features of a pair, ``[a ; b ; a * b ; |a - b|]`` of the projected nodes: the mean of the prior is
    ``gamma cos(a, b) + f(u) + w c``, c the evidence of the coarser level, and that of the posterior has ``g(u, y)`` in
    the place of f, y the overlap of the video node with the answer. Both have a variance of their own. The last layers
    of f and g start at zero, so both begin as plain cosine matching, with a divergence of 0.

    Args:
        dim: Width of the nodes.
        match_dim: c, width of the common space.
        variational: Whether there is a posterior.
        logvar_range: Bounds of the logarithm of a variance.
    """

    def __init__(
        self,
        dim: int,
        match_dim: int = 128,
        variational: bool = True,
        logvar_range: Tuple[float, float] = (-6.0, 2.0),
    ) -> None:
        super().__init__()
        self.logvar_range = tuple(logvar_range)
        self.query, self.video = nn.Linear(dim, match_dim), nn.Linear(dim, match_dim)
        self.log_scale = nn.Parameter(torch.tensor(math.log(5.0)))
        # softplus of it is 0.5.
        self.structure = nn.Parameter(torch.tensor(math.log(math.expm1(0.5))))
        self.prior_net = _trunk(4 * match_dim, match_dim)
        self.answer = nn.Linear(1, 32) if variational else None
        self.posterior_net = _trunk(4 * match_dim + 32, match_dim) if variational else None

    def pair(self, query: Tensor, video: Tensor) -> Pairs:
        """Compare ``query [B, M, d]`` with ``video [B, N, d]``."""
        a, b = self.query(query)[:, :, None], self.video(video)[:, None]
        cosine = F.cosine_similarity(a.float(), b.float(), dim=-1, eps=1e-6)
        shape = (*cosine.shape, a.size(-1))
        features = torch.cat([a.expand(shape), b.expand(shape), a * b, (a - b).abs()], dim=-1)
        return Pairs(self.log_scale.exp() * cosine, features)

    def prior(self, pairs: Pairs, coarser: Optional[Tensor]) -> Gaussian:
        """Mean and logarithm of the variance, ``[B, M, N]`` each; ``coarser`` is c, ``[B, M, N]``."""
        return self._gaussian(pairs, self.prior_net(pairs.features), coarser)

    def posterior(self, pairs: Pairs, coarser: Optional[Tensor], overlap: Tensor) -> Gaussian:
        """The same, given the overlap ``[B, N]`` (0..1) of each video node with the answer."""
        answer = self.answer(overlap[:, None, :, None].to(pairs.features.dtype))
        answer = answer.expand(*pairs.features.shape[:-1], -1)
        found = self.posterior_net(torch.cat([pairs.features, answer], dim=-1))
        return self._gaussian(pairs, found, coarser)

    def _gaussian(self, pairs: Pairs, found: Tensor, coarser: Optional[Tensor]) -> Gaussian:
        shift, logvar = found.float().unbind(dim=-1)
        return self.add_coarser((pairs.cosine + shift, logvar.clamp(*self.logvar_range)), coarser)

    def add_coarser(self, gaussian: Gaussian, coarser: Optional[Tensor]) -> Gaussian:
        """A Gaussian that was made without c, with it: several chains share the networks."""
        mean, logvar = gaussian
        return (mean if coarser is None else mean + F.softplus(self.structure) * coarser), logvar


def _trunk(in_channels: int, channels: int) -> nn.Sequential:
    """Two layers to a shift of the mean and a logarithm of the variance, which start at 0 and -2."""
    last = nn.Linear(channels, 2)
    nn.init.zeros_(last.weight)
    with torch.no_grad():
        last.bias.copy_(torch.tensor([0.0, -2.0]))
    return nn.Sequential(nn.Linear(in_channels, channels), nn.ReLU(), last)
