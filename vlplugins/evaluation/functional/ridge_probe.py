"""Closed-form linear classification of features."""

import torch
import torch.nn.functional as F
from torch import Tensor


def ridge_classify(bank: Tensor, bank_labels: Tensor, queries: Tensor, l2: float = 0.01) -> Tensor:
    r"""Classify by ridge regression on one-hot labels, with a constant feature.

    Solves :math:`(X^T X / M + \lambda I) W = X^T Y / M` in double precision.

    Args:
        bank: Features to learn from, ``[M, D]``.
        bank_labels: ``[M]`` integers.
        queries: Features to classify, ``[N, D]``.
        l2: :math:`\lambda`, positive.

    Returns:
        ``[N]`` classes.

    Raises:
        ValueError: ``l2`` not positive, or an empty bank.
    """
    if not l2 > 0 or len(bank) == 0:
        raise ValueError(f'ridge regression needs l2 > 0 (found {l2}) and a bank (found {len(bank)} features)')
    features = F.pad(bank.double(), (1, 0), value=1.0)
    targets = F.one_hot(bank_labels).double()
    gram = features.T @ features / len(features)
    gram += l2 * torch.eye(gram.size(0), dtype=gram.dtype, device=gram.device)
    weights = torch.linalg.solve(gram, features.T @ targets / len(features))
    return (F.pad(queries.double(), (1, 0), value=1.0) @ weights).argmax(dim=1)
