"""Networks that estimate interactions, and how sure they are (UNSIL of LOUPE, Li et al., NeurIPS 2022).

The published material does not give their structure; what is here is a choice. Inputs are detached: the encoders learn
nothing from an estimator.
"""

from typing import Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlplugins.models.layers.members import pool_members
from vlplugins.registry import MODELS

# Bounds of the logarithm of the uncertainty.
LOG_UNCERTAINTY = (-6.0, 6.0)


def _transformer(width: int, depth: int, heads: int) -> nn.TransformerEncoder:
    if depth < 1 or heads < 1 or width % heads:
        raise ValueError(f'depth {depth} must be at least 1, and heads {heads} divide hidden {width}')
    layer = nn.TransformerEncoderLayer(width, heads, 2 * width, 0.0, F.gelu, batch_first=True, norm_first=True)
    return nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)


def _unit_deviation(features: Tensor) -> Tensor:
    """Without gradient, of length sqrt(D): elements and their products then weigh as much as the embeddings added."""
    return F.normalize(features.detach().float(), dim=-1) * features.size(-1) ** 0.5


def _read_out(width: int, hidden: int) -> nn.Sequential:
    """To an estimate and the logarithm of its uncertainty, both 0 at the start."""
    layers = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, 2))
    nn.init.zeros_(layers[-1].weight)
    nn.init.zeros_(layers[-1].bias)
    return layers


class RunningScale(nn.Module):
    """Mean and deviation of targets seen so far, so that estimates and uncertainties have a scale.

    Args:
        momentum: Share of the old statistics that an update keeps; the first one replaces them.
    """

    def __init__(self, momentum: float = 0.99) -> None:
        super().__init__()
        self.momentum = momentum
        self.register_buffer('mean', torch.zeros(()))
        self.register_buffer('deviation', torch.ones(()))
        self.register_buffer('updates', torch.zeros((), dtype=torch.long))

    @torch.no_grad()
    def update(self, values: Tensor, mask: Tensor) -> None:
        """Take the ``values`` at the true entries of ``mask``, of one shape, into account; nothing where none is."""
        count = mask.sum()
        mean = torch.where(mask, values, 0.0).sum() / count.clamp(min=1)
        deviation = (torch.where(mask, values - mean, 0.0).square().sum() / count.clamp(min=1)).sqrt().clamp(min=1e-6)
        keep = torch.where(count > 0, torch.where(self.updates > 0, self.momentum, 0.0), 1.0)
        self.mean.lerp_(mean, 1 - keep)
        self.deviation.lerp_(deviation, 1 - keep)
        self.updates += count > 0

    def standardise(self, values: Tensor) -> Tensor:
        """From the scale of targets."""
        return (values - self.mean) / self.deviation

    def restore(self, values: Tensor) -> Tensor:
        """To the scale of targets."""
        return values * self.deviation + self.mean


@MODELS.register_module()
class TokenUNSIL(nn.Module):
    """Interaction of coalitions of the patches of an image, in the game of a text.

    Args:
        dim: D of patches and texts.
        grid: Rows and columns of patches.
        hidden: Width of the network, a multiple of ``heads``.
        depth: Layers of its transformer.
        heads: Heads of its attention.
    """

    def __init__(self, dim: int, grid: Tuple[int, int], hidden: int = 256, depth: int = 2, heads: int = 4) -> None:
        super().__init__()
        self.dim = dim
        self.tokens = nn.Linear(3 * dim, hidden)
        self.in_coalition = nn.Embedding(2, hidden)
        self.position = nn.Parameter(torch.zeros(grid[0] * grid[1], hidden))
        nn.init.trunc_normal_(self.position, std=0.02)
        self.transformer = _transformer(hidden, depth, heads)
        self.read_out = _read_out(2 * hidden + 1, hidden)
        self.scale = RunningScale()

    def forward(self, patches: Tensor, texts: Tensor, coalitions: Tensor) -> Tuple[Tensor, Tensor]:
        """Estimate.

        Args:
            patches: ``[B, n, D]``; detached and normalised here.
            texts: ``[B, P, D]``; detached and normalised here.
            coalitions: ``[B, C, n]`` booleans.

        Returns:
            Standardised estimates and log-uncertainties, both ``[B, C, P]``.
        """
        patches, texts = (_unit_deviation(each)[:, None] for each in (patches, texts))
        texts = texts.transpose(1, 2)
        tokens = torch.cat([each.expand(-1, texts.size(1), patches.size(2), -1) for each in (patches, texts)], dim=-1)
        tokens = self.tokens(torch.cat([tokens, patches * texts], dim=-1)) + self.position
        tokens = tokens[:, None] + self.in_coalition(coalitions.long())[:, :, None]
        tokens = self.transformer(tokens.flatten(0, 2)).view_as(tokens)
        both = torch.stack([coalitions, ~coalitions], dim=2)[:, :, None].expand(-1, -1, texts.size(1), -1, -1)
        pooled = pool_members(tokens, both).flatten(-2)
        share = coalitions.float().mean(dim=-1)[:, :, None, None].expand(*pooled.shape[:-1], 1)
        return self.read_out(torch.cat([pooled, share], dim=-1)).unbind(dim=-1)


@MODELS.register_module()
class SemanticUNSIL(nn.Module):
    """Interaction of every pair of a region and a phrase; permuting either permutes the estimates.

    Args:
        dim: D of regions and phrases.
        hidden: Width of the network, a multiple of ``heads``.
        depth: Layers of its transformer.
        heads: Heads of its attention.
    """

    def __init__(self, dim: int, hidden: int = 256, depth: int = 2, heads: int = 4) -> None:
        super().__init__()
        self.dim = dim
        self.features = nn.Linear(dim, hidden)
        self.kind = nn.Embedding(2, hidden)
        self.transformer = _transformer(hidden, depth, heads)
        self.read_out = _read_out(3 * hidden + 1, hidden)
        self.scale = RunningScale()

    def forward(
        self, regions: Tensor, phrases: Tensor, region_mask: Tensor, phrase_mask: Tensor, logits: Tensor
    ) -> Tuple[Tensor, Tensor]:
        """Estimate.

        Args:
            regions: ``[B, M, D]``; detached and normalised here. Those at padding may be NaN.
            phrases: ``[B, N, D]``, likewise.
            region_mask: ``[B, M]`` booleans, at least one true in each row.
            phrase_mask: ``[B, N]`` booleans.
            logits: ``[B, M, N]``, of their alignment, finite.

        Returns:
            Standardised estimates and log-uncertainties, both ``[B, M, N]``.
        """
        mask = torch.cat([region_mask, phrase_mask], dim=1)
        features = torch.cat([regions, phrases], dim=1)
        features = _unit_deviation(torch.where(mask[..., None], features, 0.0))
        kinds = torch.arange(mask.size(1), device=mask.device) >= region_mask.size(1)
        tokens = self.features(features) + self.kind(kinds.long())
        tokens = self.transformer(tokens, src_key_padding_mask=~mask)
        rows, columns = tokens.split([region_mask.size(1), phrase_mask.size(1)], dim=1)
        rows, columns = torch.broadcast_tensors(rows[:, :, None], columns[:, None])
        return self.read_out(torch.cat([rows, columns, rows * columns, logits.detach()[..., None]], -1)).unbind(-1)
