"""Losses of domain classifiers. Domains are numbered; a batch, or a map, is of one of them."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlplugins.registry import MODELS


@MODELS.register_module()
class DomainFocalLoss(nn.Module):
    r"""Cross-entropy in which images that are easy to tell count little, so that only alike images are aligned.

    With the probability :math:`p` of the true domain, ``'power'`` is :math:`-(1-p)^\gamma \log p` and
    ``'exponential'`` is :math:`-e^{-\gamma p} \log p` (Saito et al., CVPR 2019, section 3.2). Computed in single
    precision.

    Args:
        gamma: The focus.
        kind: ``'power'`` or ``'exponential'``.
        loss_weight: Factor of the loss.

    Raises:
        ValueError: another kind.
    """

    def __init__(self, gamma: float = 5.0, kind: str = 'power', loss_weight: float = 1.0) -> None:
        super().__init__()
        if kind not in ('power', 'exponential'):
            raise ValueError(f"kind {kind!r} is unknown; expected 'power' or 'exponential'")
        self.gamma, self.kind, self.loss_weight = gamma, kind, loss_weight

    def forward(self, logits: Tensor, domain: int) -> Tensor:
        """Mean loss of images of one domain.

        Args:
            logits: ``[B, num_domains]``.
            domain: Index of their domain.
        """
        log_probability = F.log_softmax(logits.float(), dim=1)[:, domain]
        probability = log_probability.exp()
        factor = (1 - probability) ** self.gamma if self.kind == 'power' else torch.exp(-self.gamma * probability)
        return self.loss_weight * -(factor * log_probability).mean()


@MODELS.register_module()
class DomainLeastSquaresLoss(nn.Module):
    """Squared distance of the probability of domain 1 from the domain, mean over places and images.

    Args:
        loss_weight: Factor of the loss.
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, probabilities: Tensor, domain: int) -> Tensor:
        """Mean loss.

        Args:
            probabilities: Of domain 1, any shape.
            domain: 0 or 1.

        Raises:
            ValueError: another domain.
        """
        if domain not in (0, 1):
            raise ValueError(f'domain {domain} is neither 0 nor 1')
        return self.loss_weight * (probabilities.float() - domain).square().mean()
