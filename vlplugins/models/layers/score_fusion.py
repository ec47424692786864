"""The score of several classifiers together."""

from typing import Optional

from torch import Tensor


def fused_log_probability(scores: Tensor, weights: Optional[Tensor] = None) -> Tensor:
    """Logarithm of a weighted mean of probabilities, without leaving the logarithms.

    ``log p = logsumexp_s(log w_s + log_softmax(z_s))``: exact also in half precision, where the softmax of an unlikely
    class is zero.

    Args:
        scores: Logits ``[S, N, K]`` of S classifiers.
        weights: ``[S]``, not negative, of sum 1; equal ones by default. A weight of zero leaves a classifier out.

    Returns:
        ``[N, K]``, float32 or better.
    """
    logs = (scores.float() if scores.element_size() < 4 else scores).log_softmax(dim=2)
    if weights is None:
        weights = logs.new_full((len(logs),), 1 / len(logs))
    return (weights.to(logs).log()[:, None, None] + logs).logsumexp(dim=0)
