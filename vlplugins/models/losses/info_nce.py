"""Contrastive losses over a similarity matrix."""

import math
from typing import Optional

import torch
import torch.nn.functional as F
from mmengine.dist import get_world_size
from torch import Tensor, nn

from vlplugins.registry import MODELS
from vlplugins.utils.distributed import gather_with_grad, offset_of_rank


def info_nce(logits: Tensor, positives: Tensor, reduction: str = 'mean') -> Tensor:
    r"""InfoNCE of rows of logits (van den Oord et al., 2018, eq. 4).

    With one positive a row it is the cross-entropy. With several, the mean over them of their log-probabilities is
    taken (SupCon, Khosla et al., NeurIPS 2020, eq. 2):
    :math:`-\frac{1}{|P(i)|} \sum_{j \in P(i)} \log softmax(l_i)_j`.

    Args:
        logits: ``[N, M]``, already divided by the temperature. Computed in single precision.
        positives: Either ``[N]`` integers, the column of the one positive, or ``[N, M]`` booleans.
        reduction: ``'mean'`` or ``'none'``.

    Returns:
        A scalar, or ``[N]`` for ``'none'``.

    Raises:
        ValueError: another shape or dtype of ``positives``, or an unknown reduction.
    """
    if reduction not in ('mean', 'none'):
        raise ValueError(f"reduction {reduction!r} is unknown; expected 'mean' or 'none'")
    logits = logits.float()
    if positives.dtype == torch.bool and positives.shape == logits.shape:
        weights = positives / positives.sum(dim=1, keepdim=True).clamp(min=1)
        losses = -(weights * F.log_softmax(logits, dim=1)).sum(dim=1)
    elif positives.dtype == torch.long and positives.shape == logits.shape[:1]:
        losses = F.cross_entropy(logits, positives, reduction='none')
    else:
        raise ValueError(
            f'positives {tuple(positives.shape)} of {positives.dtype} fit logits {tuple(logits.shape)} neither as '
            'columns [N] of torch.long nor as a mask [N, M] of torch.bool'
        )
    return losses.mean() if reduction == 'mean' else losses


@MODELS.register_module()
class InfoNCELoss(nn.Module):
    """Contrastive loss between two sets of vectors, one- or two-sided, over one or all processes.

    With ``symmetric`` and ``learn_scale`` it is the loss of CLIP (Radford et al., 2021); on N processes, with
    ``gather``, it has the value and gradient of one process on the joined batch (after the averaging of
    ``DistributedDataParallel``), whatever the sizes of the parts.

    Args:
        temperature: Cosines are divided by it; the start value when the scale is learned. Positive.
        symmetric: Also contrast each key against all queries, and take the mean of both sides.
        learn_scale: Learn the logarithm of the scale ``1 / temperature``.
        max_scale: Upper bound of a learned scale.
        gather: Contrast against the vectors of all processes.
        loss_weight: Factor of the loss.
    """

    def __init__(
        self,
        temperature: float = 0.07,
        symmetric: bool = False,
        learn_scale: bool = False,
        max_scale: float = 100.0,
        gather: bool = True,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        if not temperature > 0:
            raise ValueError(f'temperature {temperature} must be positive')
        log_scale = torch.tensor(math.log(1 / temperature))
        if learn_scale:
            self.log_scale = nn.Parameter(log_scale)
        else:
            self.register_buffer('log_scale', log_scale, persistent=False)
        self.symmetric, self.gather = symmetric, gather
        self.max_log_scale = math.log(max_scale) if learn_scale else math.inf
        self.loss_weight = loss_weight

    @property
    def scale(self) -> Tensor:
        """The factor of the cosines, a scalar."""
        return self.log_scale.clamp(max=self.max_log_scale).exp()

    def forward(
        self,
        queries: Tensor,
        keys: Tensor,
        positives: Optional[Tensor] = None,
        scale: Optional[Tensor] = None,
        ignored: Optional[Tensor] = None,
    ) -> Tensor:
        """Contrast each query against all keys.

        Args:
            queries: ``[N, D]``; normalised here.
            keys: ``[N, D]``; the key of a query has its row.
            positives: ``[N, N_all]`` booleans (``N_all``: the keys of all processes): which keys are positives of
                each query, where it is not its row alone. Two-sided losses take it as symmetric.
            scale: Factor of the cosines, a scalar that its owner learns and bounds; that of the loss by default.
            ignored: ``[N, N_all]`` booleans: keys that are neither positives nor negatives of a query. Two-sided losses
                take it as symmetric.

        Returns:
            A scalar.
        """
        with torch.autocast(queries.device.type, enabled=False):
            queries, keys = F.normalize(queries.float(), dim=1), F.normalize(keys.float(), dim=1)
            spread = self.gather and get_world_size() > 1
            scale = self.scale if scale is None else scale
            targets = positives
            if targets is None:
                targets = torch.arange(len(queries), device=queries.device)
                targets = targets + (offset_of_rank(queries) if spread else 0)
            all_keys = gather_with_grad(keys) if spread else keys
            loss = info_nce(_without(scale * queries @ all_keys.T, ignored), targets)
            if self.symmetric:
                all_queries = gather_with_grad(queries) if spread else queries
                loss = (loss + info_nce(_without(scale * keys @ all_queries.T, ignored), targets)) / 2
            if spread:
                # The mean over processes of these is the mean over the joined batch, also for uneven parts.
                loss = loss * (len(queries) * get_world_size() / len(all_keys))
        return self.loss_weight * loss


def _without(logits: Tensor, ignored: Optional[Tensor]) -> Tensor:
    # Finite: with several positives a logit is multiplied by 0 where it is none.
    return logits if ignored is None else logits.masked_fill(ignored, -1e4)
