"""A loss that makes pairs of vectors orthogonal."""

import torch.nn.functional as F
from torch import Tensor, nn

from vlplugins.registry import MODELS


@MODELS.register_module()
class OrthogonalityLoss(nn.Module):
    r"""Mean absolute cosine of pairs of vectors, :math:`\frac{1}{N}\sum_i |\langle u_i, v_i \rangle|` of unit vectors.

    A vector of zeros has the cosine 0 with any other, and a finite gradient. Both sides have a gradient. Computed in
    single precision. The loss of VDD (Wu et al., ICCV 2021) on the pooled features of regions; of any two embeddings.

    Args:
        loss_weight: Factor of the loss.
        eps: Least length that a vector is divided by.
        absolute: Take the absolute value; without it opposed vectors are the best.
    """

    def __init__(self, loss_weight: float = 1.0, eps: float = 1e-12, absolute: bool = True) -> None:
        super().__init__()
        self.loss_weight, self.eps, self.absolute = loss_weight, eps, absolute

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        """Loss of ``N`` pairs; 0, in the graph of both, where there is none.

        Args:
            one: ``[N, C]``.
            other: ``[N, C]``.

        Raises:
            ValueError: vectors of unlike shape.
        """
        if one.shape != other.shape or one.dim() != 2:
            raise ValueError(f'found {tuple(one.shape)} and {tuple(other.shape)}; expected the same [N, C]')
        cosines = (F.normalize(one.float(), dim=1, eps=self.eps) * F.normalize(other.float(), dim=1, eps=self.eps)).sum(
            dim=1
        )
        cosines = cosines.abs() if self.absolute else cosines
        return self.loss_weight * cosines.sum() / max(len(cosines), 1)
