"""Distillation losses: a student's scores or features are drawn to those of a detached teacher.

All take ``student`` and ``teacher`` of one shape ``[N, M]`` and return a scalar, the mean over ``N`` (each says how);
they compute in single precision whatever comes in, because differences of probabilities over thousands of classes
are below the resolution of half precision.
"""

from typing import Optional

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlplugins.registry import MODELS


def _check_positive(**values: float) -> None:
    for name, value in values.items():
        if not value > 0:
            raise ValueError(f'{name} {value} must be positive')


class _DistillationLoss(nn.Module):
    """Casts to single precision and detaches the teacher."""

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, student: Tensor, teacher: Tensor, labels: Optional[Tensor] = None) -> Tensor:
        """Distance of ``student [N, M]`` from ``teacher [N, M]``, a scalar.

        Args:
            student: Scores or features, with gradient.
            teacher: The same of the teacher; no gradient flows into it.
            labels: ``[N]``, column of the positive; used by losses that tell it from the rest.
        """
        with torch.autocast(student.device.type, enabled=False):
            return self.loss_weight * self._distance(student.float(), teacher.detach().float(), labels)

    def _distance(self, student: Tensor, teacher: Tensor, labels: Optional[Tensor]) -> Tensor:
        raise NotImplementedError

    def floor(self, teacher: Tensor) -> Tensor:
        """The value of the loss for a student that equals the teacher; subtract it to see progress."""
        return teacher.new_zeros(())


@MODELS.register_module()
class LogitKLDistill(_DistillationLoss):
    r"""Soft cross-entropy with temperatures (online distillation of SlimCLR, IJCV 2024).

    .. math:: \tau_s^2 \frac1N \sum_i -\sum_j softmax(t_i / \tau_t)_j \log softmax(s_i / \tau_s)_j

    It is a cross-entropy: the entropy of the teacher stays in the value (:meth:`floor`), without gradient.

    Args:
        tau_teacher: Temperature of the teacher.
        tau_student: Temperature of the student.
        loss_weight: Factor of the loss.
    """

    def __init__(self, tau_teacher: float = 5.0, tau_student: float = 5.0, loss_weight: float = 1.0) -> None:
        super().__init__(loss_weight)
        _check_positive(tau_teacher=tau_teacher, tau_student=tau_student)
        self.tau_teacher, self.tau_student = tau_teacher, tau_student

    def _distance(self, student: Tensor, teacher: Tensor, labels: Optional[Tensor]) -> Tensor:
        target = F.softmax(teacher / self.tau_teacher, dim=1)
        log_student = F.log_softmax(student / self.tau_student, dim=1)
        return -(self.tau_student**2) * (target * log_student).sum(dim=1).mean()

    @torch.no_grad()
    def floor(self, teacher: Tensor) -> Tensor:
        """Mean entropy of the teacher, times the factors of the loss."""
        log_target = F.log_softmax(teacher.float() / self.tau_teacher, dim=1)
        return -self.loss_weight * self.tau_student**2 * (log_target.exp() * log_target).sum(dim=1).mean()


@MODELS.register_module()
class SimilarityMSE(_DistillationLoss):
    """Mean squared difference over all entries, of similarities or of embeddings."""

    def _distance(self, student: Tensor, teacher: Tensor, labels: Optional[Tensor]) -> Tensor:
        return F.mse_loss(student, teacher)


@MODELS.register_module()
class ATKDistill(_DistillationLoss):
    """Distillation with standardised scores: rows are layer-normalised without affine, scaled, then KL.

    Args:
        scale: Factor of the standardised rows.
        temperature: Temperature of both softmaxes; the divergence is multiplied by its square.
        eps: Added to the variance of a row.
        loss_weight: Factor of the loss.
    """

    def __init__(
        self, scale: float = 2.0, temperature: float = 4.0, eps: float = 1e-5, loss_weight: float = 1.0
    ) -> None:
        super().__init__(loss_weight)
        _check_positive(scale=scale, temperature=temperature)
        self.scale, self.temperature, self.eps = scale, temperature, eps

    def _distance(self, student: Tensor, teacher: Tensor, labels: Optional[Tensor]) -> Tensor:
        student, teacher = (
            self.scale * F.layer_norm(rows, rows.shape[1:], eps=self.eps) / self.temperature
            for rows in (student, teacher)
        )
        divergence = F.kl_div(
            F.log_softmax(student, dim=1), F.log_softmax(teacher, dim=1), reduction='batchmean', log_target=True
        )
        return self.temperature**2 * divergence


@MODELS.register_module()
class DKDistill(_DistillationLoss):
    """Decoupled distillation: the positive against the rest, and the rest among themselves.

    Decoupled Knowledge Distillation (Zhao et al., CVPR 2022), eq. 7, with the labels of contrastive learning.

    Args:
        target_weight: Factor of the divergence of (positive, rest).
        other_weight: Factor of the divergence over the columns other than the positive.
        temperature: Temperature of all softmaxes; the divergences are multiplied by its square.
        loss_weight: Factor of the loss.
    """

    def __init__(
        self,
        target_weight: float = 1.0,
        other_weight: float = 0.5,
        temperature: float = 1.0,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__(loss_weight)
        _check_positive(temperature=temperature)
        self.target_weight, self.other_weight, self.temperature = target_weight, other_weight, temperature

    def _split(self, rows: Tensor, labels: Tensor) -> tuple:
        log_probabilities = F.log_softmax(rows / self.temperature, dim=1)
        positive = log_probabilities.gather(1, labels[:, None])
        others = log_probabilities.scatter(1, labels[:, None], float('-inf'))
        binary = torch.cat([positive, others.logsumexp(dim=1, keepdim=True)], dim=1)
        # The masked column has probability 0 in both; 0 in place of -inf keeps 0 * (-inf) out of the sum.
        log_others = F.log_softmax(others, dim=1).scatter(1, labels[:, None], 0.0)
        return binary, log_others

    def _distance(self, student: Tensor, teacher: Tensor, labels: Optional[Tensor]) -> Tensor:
        if labels is None:
            raise ValueError('DKDistill needs the labels: the column of the positive in each row')
        student_binary, student_others = self._split(student, labels)
        teacher_binary, teacher_others = self._split(teacher, labels)
        rest = teacher_others.exp().scatter(1, labels[:, None], 0.0)
        target_term = (teacher_binary.exp() * (teacher_binary - student_binary)).sum(dim=1).mean()
        other_term = (rest * (teacher_others - student_others)).sum(dim=1).mean()
        return self.temperature**2 * (self.target_weight * target_term + self.other_weight * other_term)
