"""Densities of generated poses under the generator and under the target, and the weight that is their ratio.

All densities are of angles in their box of limits, and all are in log space.
"""

import math
from typing import Optional

import torch
from torch import Tensor

_HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


def sample_truncated_normal(
    mean: Tensor, std: Tensor, low: Tensor, high: Tensor, generator: Optional[torch.Generator] = None
) -> Tensor:
    """Draw from normal distributions cut to ``[low, high]`` by the inverse of the distribution function.

    Differentiable in mean and deviation. Computed in double precision on the side of zero where the distribution
    function keeps its digits.

    Args:
        mean: Any shape; the mean before cutting, which may lie outside.
        std: Deviation before cutting; broadcast, as the limits are.
        low: Lower limit.
        high: Upper limit.
        generator: Source of randomness.

    Returns:
        Samples of the shape and type of ``mean``.
    """
    shape = torch.broadcast_shapes(mean.shape, std.shape, low.shape)
    uniform = torch.rand(shape, generator=generator, device=mean.device, dtype=torch.float64)
    first, last = ((end.double() - mean.double()) / std.double() for end in (low, high))
    is_right = first + last > 0
    left, right = torch.where(is_right, -last, first), torch.where(is_right, -first, last)
    below, above = torch.special.ndtr(left), torch.special.ndtr(right)
    share = (below + uniform * (above - below)).clamp(1e-300, 1 - 1e-16)
    standard = torch.special.ndtri(share)
    standard = torch.where(is_right, -standard, standard)
    values = mean.double() + std.double() * standard
    return torch.minimum(torch.maximum(values, low.double()), high.double()).to(mean.dtype)


def log_interval_mass(first: Tensor, last: Tensor) -> Tensor:
    """``log(Phi(last) - Phi(first))`` of standard normal bounds, exact in both tails."""
    is_right = first + last > 0
    left, right = torch.where(is_right, -last, first), torch.where(is_right, -first, last)
    upper, lower = torch.special.log_ndtr(right), torch.special.log_ndtr(left)
    return upper + torch.log(-torch.expm1(lower - upper))


def truncated_normal_log_prob(values: Tensor, mean: Tensor, std: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Log density of the cut normal distribution, ``-inf`` outside the limits; shapes broadcast.

    The azimuth of a full sphere is cut at half a turn like any other range: samples and density agree.
    """
    values, mean, std, low, high = (each.double() for each in (values, mean, std, low, high))
    standard = (values - mean) / std
    mass = log_interval_mass((low - mean) / std, (high - mean) / std)
    log_prob = -0.5 * standard.square() - _HALF_LOG_TWO_PI - std.log() - mass
    return log_prob.masked_fill((values < low) | (values > high), -math.inf)


def mixture_log_prob(
    values: Tensor, means: Tensor, stds: Tensor, low: Tensor, high: Tensor, groups: int = 1, chunk: int = 1024
) -> Tensor:
    """Log density of an equal mixture of cut normal distributions with independent coordinates.

    ``log q = logsumexp_s(sum_j log TN(z_j; mean_sj, std_sj)) - log S``. The squares of all pairs of samples and
    components come from one matrix product; coordinates are first moved to the middle of their limits, so that single
    precision is enough (1e-5 with deviations of 20 degrees, 1e-4 with 3 degrees).

    Args:
        values: ``[N, D]``.
        means: ``[S, D]``.
        stds: ``[S, D]`` or what broadcasts to it.
        low: ``[D]``.
        high: ``[D]``.
        groups: Number of groups of ``D / groups`` consecutive coordinates; the marginal density of each is given.
        chunk: Samples at a time, which bounds the memory to ``groups * chunk * S`` numbers.

    Returns:
        ``[N, groups]``, float32; ``-inf`` outside the limits.
    """
    count, dims = means.shape
    means, low, high = means.double(), low.double(), high.double()
    stds = stds.double().expand(count, dims)
    precision = stds.pow(-2)
    mass = log_interval_mass((low - means) / stds, (high - means) / stds)
    middle = (low + high) / 2
    means = means - middle
    offset = -0.5 * means.square() * precision - _HALF_LOG_TWO_PI - stds.log() - mass

    def grouped(each: Tensor) -> Tensor:
        return each.unflatten(1, (groups, -1)).transpose(0, 1)

    # [groups, S, 2 D / groups + 1]; the last column is the constant.
    constant = grouped(offset).sum(dim=2, keepdim=True)
    components = torch.cat([grouped(-0.5 * precision), grouped(means * precision), constant], dim=2).float()
    found = []
    for part in values.split(chunk):
        z = grouped(part.double() - middle).float()
        features = torch.cat([z.square(), z, torch.ones_like(z[..., :1])], dim=2)
        pairs = features @ components.transpose(1, 2)
        found.append(pairs.logsumexp(dim=2).T - math.log(count))
    log_prob = torch.cat(found) if found else values.new_zeros(0, groups, dtype=torch.float32)
    outside = ((values < low) | (values > high)).unflatten(1, (groups, -1)).any(dim=2)
    return log_prob.masked_fill(outside, -math.inf)


def conditional_mixture_log_prob(
    values: Tensor, means: Tensor, stds: Tensor, low: Tensor, high: Tensor, groups: int = 1
) -> Tensor:
    """As :func:`mixture_log_prob` with components of its own for each sample.

    Args:
        values: ``[N, D]``.
        means: ``[N, S, D]``.
        stds: ``[N, S, D]`` or what broadcasts to it.
        low: ``[D]``.
        high: ``[D]``.
        groups: As there.

    Returns:
        ``[N, groups]``, float32.
    """
    log_prob = truncated_normal_log_prob(values[:, None], means, stds, low, high)
    return (log_prob.unflatten(2, (groups, -1)).sum(dim=3).logsumexp(dim=1) - math.log(means.size(1))).float()


def uniform_log_prob(values: Tensor, low: Tensor, high: Tensor, groups: int = 1) -> Tensor:
    """Log density ``[N, groups]`` of the uniform distribution on the box of limits; ``-inf`` outside."""
    log_prob = -(high - low).log().unflatten(0, (groups, -1)).sum(dim=1).expand(len(values), groups)
    outside = ((values < low) | (values > high)).unflatten(1, (groups, -1)).any(dim=2)
    return log_prob.masked_fill(outside, -math.inf)


def importance_weight(log_target: Tensor, log_propensity: Tensor, temperature: float = 1.0) -> Tensor:
    """Weights ``[N]`` of samples, without gradient: ``exp(temperature * mean over groups of (log pi - log q))``.

    With one group and temperature 1 it is the ratio of the densities, which makes a weighted mean unbiased. The mean
    over the bones (groups) is a tempered ratio of smaller variance. A weight is at most ``e^80``.

    Args:
        log_target: ``[N, groups]``.
        log_propensity: ``[N, groups]``.
        temperature: Exponent.
    """
    ratio = temperature * (log_target - log_propensity).mean(dim=1)
    return ratio.detach().clamp(max=80.0).exp()


def effective_sample_size(weights: Tensor) -> Tensor:
    """Share of the samples that count, ``(sum w)^2 / (N sum w^2)``, between 1 / N and 1."""
    shares = weights / weights.amax().clamp(min=1e-30)
    return shares.sum().square() / (len(weights) * shares.square().sum()).clamp(min=1e-30)
