"""Which weight a generated pose gets."""

from typing import Any, Dict, Optional, Tuple

import torch
from torch import Tensor, nn

from vlplugins.models.layers.pose_generator.policies import PosturePolicy
from vlplugins.models.layers.pose_generator.propensity import importance_weight, mixture_log_prob, uniform_log_prob
from vlplugins.models.layers.pose_generator.seed_bank import SeedPoseBank
from vlplugins.registry import MODELS

_MODES = ('per_bone', 'mixture', 'conditional')


@MODELS.register_module()
class UniformTarget(nn.Module):
    """The poses that the risk is wanted of: all postures within the limits alike."""

    def log_prob(self, values: Tensor, low: Tensor, high: Tensor, groups: int) -> Tensor:
        """Log density ``[N, groups]`` of angles ``[N, D]``."""
        return uniform_log_prob(values, low, high, groups)


@MODELS.register_module()
class BankTarget(nn.Module):
    """The poses that the risk is wanted of: those near a larger bank (a kernel density over its angles).

    Args:
        bandwidth_deg: Deviation of the kernel, degrees.
        bank: Config of the bank; filled like the seeds, but from all poses that there are.
    """

    def __init__(self, bandwidth_deg: float = 20.0, bank: Optional[Dict[str, Any]] = None) -> None:
        super().__init__()
        if bandwidth_deg <= 0:
            raise ValueError(f'bandwidth_deg {bandwidth_deg} must be above 0')
        self.bank: SeedPoseBank = MODELS.build(bank or dict(type='vlplugins.SeedPoseBank'))
        self.bandwidth = torch.deg2rad(torch.tensor(bandwidth_deg)).item()
        self.movable: Optional[Tensor] = None

    def log_prob(self, values: Tensor, low: Tensor, high: Tensor, groups: int) -> Tensor:
        """Log density ``[N, groups]`` of angles ``[N, D]``."""
        self.bank.check()
        means = self.bank.angles[:, self.movable].flatten(1)
        return mixture_log_prob(values, means, means.new_full((1,), self.bandwidth), low, high, groups)


@MODELS.register_module()
class PosePropensity(nn.Module):
    """Weight of a generated posture: density under the target over density under the generator (our own model).

    Only the angles count. Size and view are drawn from the distribution that is wanted anyway, so that their ratio is
    1. Postures are never rejected (only views are drawn anew), so that their density is exact but for the few samples
    that are dropped in the end. Both densities are of angles, hence no Jacobian appears.

    Args:
        mode: ``'mixture'``: ``q(z) = mean over all seeds of q(z | seed)``, the density of what the generator makes.
            ``'per_bone'``: the geometric mean over bones of the ratios of marginals, each a mixture over all seeds: a
            tempered weight whose effective sample size does not collapse with 18 angles. ``'conditional'``: the
            density given the seed that made the sample, unbiased too, but of useless variance.
        target: Config of the target.
        temperature: Exponent of the weight; 1 with ``'mixture'`` is unbiased.
        shuffle: Deal the weights out anew among the samples of a call: the control that keeps their distribution and
            takes away their meaning.
        chunk: Samples at a time.

    Raises:
        ValueError: an unknown mode.
    """

    def __init__(
        self,
        mode: str = 'per_bone',
        target: Optional[Dict[str, Any]] = None,
        temperature: float = 1.0,
        shuffle: bool = False,
        chunk: int = 1024,
    ) -> None:
        super().__init__()
        if mode not in _MODES:
            raise ValueError(f'mode {mode!r} must be one of {_MODES}')
        self.mode, self.temperature, self.shuffle, self.chunk = mode, temperature, shuffle, chunk
        self.target = MODELS.build(target or dict(type='vlplugins.UniformTarget'))

    @torch.no_grad()
    def forward(
        self,
        values: Tensor,
        policy: PosturePolicy,
        bank_angles: Tensor,
        bank_poses: Tensor,
        seed_index: Tensor,
        limits: Tuple[Tensor, Tensor],
        noise: Optional[Tensor] = None,
        generator: Optional[torch.Generator] = None,
    ) -> Tuple[Tensor, Tensor, Tensor]:
        """Weigh angles ``[N, D]`` that the policy drew from the seeds ``seed_index [N]`` of a bank ``[S, ...]``.

        Returns:
            Weights ``[N]``, and the log densities ``[N]`` under generator and target (sums over bones where they are
            marginal).
        """
        groups = values.size(1) // 2 if self.mode == 'per_bone' else 1
        if self.mode == 'conditional':
            own, poses = bank_angles[seed_index], bank_poses[seed_index]
            log_q = policy.conditional_log_prob(values, own, poses, *limits, noise, groups)
        else:
            log_q = policy.mixture_log_prob(
                values, bank_angles, bank_poses, seed_index, *limits, noise, groups, generator, self.chunk
            )
        log_pi = self.target.log_prob(values, *limits, groups)
        weight = importance_weight(log_pi, log_q, self.temperature)
        if self.shuffle:
            weight = weight[torch.randperm(len(weight), generator=generator, device=weight.device)]
        return weight, log_q.sum(dim=1), log_pi.sum(dim=1)
