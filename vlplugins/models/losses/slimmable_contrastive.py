"""The loss of slimmable contrastive learning: contrast, online distillation, re-weighting (SlimCLR, IJCV 2024)."""

from typing import Callable, Dict, Optional, Sequence, Tuple

import torch
from torch import Tensor, nn

from vlplugins.models.losses.info_nce import info_nce
from vlplugins.registry import MODELS
from vlplugins.utils.widths import width_name


def _full_plus(bonus: Callable[[Sequence[float]], float]) -> Callable[[Sequence[float]], Tuple[float, ...]]:
    return lambda widths: (1.0 + (bonus(widths[1:]) if len(widths) > 1 else 0.0),) + (1.0,) * (len(widths) - 1)


def _suffix_sum(widths: Sequence[float]) -> Tuple[float, ...]:
    sums = [1.0 + sum(widths[index + 1 :]) for index in range(len(widths))]
    return tuple(len(widths) * value / sum(sums) for value in sums)


_REWEIGHT_SCHEMES: Dict[str, Callable[[Sequence[float]], Tuple[float, ...]]] = {
    'none': lambda widths: (1.0,) * len(widths),
    'normalized_width': lambda widths: tuple(width / sum(widths) for width in widths),
    'width': tuple,
    'mean_width': lambda widths: tuple(len(widths) * width / sum(widths) for width in widths),
    'full_plus_sum': _full_plus(sum),
    'full_plus_max': _full_plus(max),
    'suffix_sum': _suffix_sum,
}


def reweight_widths(scheme: str, widths: Sequence[float]) -> Tuple[float, ...]:
    """Loss weight of each width under a re-weighting scheme; a single width has weight 1.

    Args:
        scheme: ``'none'`` (1), ``'width'`` (w), ``'normalized_width'`` (w / sum), ``'mean_width'`` (n w / sum),
            ``'full_plus_sum'`` and ``'full_plus_max'`` (1, and for the full network the sum or the maximum of the
            other widths on top), ``'suffix_sum'`` (1 plus the sum of the narrower widths, scaled to the mean 1).
        widths: Largest first.

    Raises:
        ValueError: an unknown scheme.
    """
    if scheme not in _REWEIGHT_SCHEMES:
        raise ValueError(f'reweight {scheme!r} is unknown; expected one of {sorted(_REWEIGHT_SCHEMES)}')
    return (1.0,) if len(widths) == 1 else _REWEIGHT_SCHEMES[scheme](widths)


@MODELS.register_module()
class SlimmableContrastiveLoss(nn.Module):
    r"""Contrastive loss of every width, the narrow ones also taught by the full network in the same step.

    .. math:: L = \lambda_1 L_{clr}(w_1) + \sum_{i>1} \lambda_i [(1 - \beta) L_{clr}(w_i) + \beta L_{kd}(w_i)]

    with :math:`L_{clr}` the InfoNCE loss of cosines over the temperature. Where only the full width runs (slow start,
    or no other width) the loss is :math:`L_{clr}(w_1)` with weight 1.

    Args:
        temperature: Divisor of the cosines.
        scale: Factor of the contrastive loss (MoCo v3: twice the temperature).
        distill: Config of a distillation loss, or ``None``: no distillation, and beta is 0.
        distill_on: What is distilled: ``'similarities'`` (cosines), ``'logits'`` (cosines over the temperature) or
            ``'embeddings'`` (unit vectors).
        distill_weight: Beta, in [0, 1].
        reweight: Scheme of :func:`reweight_widths`. May be changed during training.
        teachers: ``'full'``, or ``'all_wider'``: each width is taught by the mean over all wider ones.

    Raises:
        ValueError: an argument outside the values above.
    """

    def __init__(
        self,
        temperature: float = 0.2,
        scale: float = 1.0,
        distill: Optional[dict] = None,
        distill_on: str = 'similarities',
        distill_weight: float = 0.5,
        reweight: str = 'full_plus_sum',
        teachers: str = 'full',
    ) -> None:
        super().__init__()
        if not temperature > 0:
            raise ValueError(f'temperature {temperature} must be positive')
        if distill_on not in ('similarities', 'logits', 'embeddings'):
            raise ValueError(f"distill_on {distill_on!r}: expected 'similarities', 'logits' or 'embeddings'")
        if teachers not in ('full', 'all_wider'):
            raise ValueError(f"teachers {teachers!r} is unknown; expected 'full' or 'all_wider'")
        if not 0 <= distill_weight <= 1:
            raise ValueError(f'distill_weight {distill_weight} is outside [0, 1]')
        self.temperature, self.scale = temperature, scale
        self.distill = None if distill is None else MODELS.build(distill)
        self.distill_on, self.teachers = distill_on, teachers
        self.distill_weight = distill_weight if distill is not None else 0.0
        self.reweight = reweight
        reweight_widths(reweight, (1.0,))

    def forward(
        self,
        similarities: Dict[float, Tensor],
        labels: Tensor,
        widths: Sequence[float],
        embeddings: Optional[Dict[float, Tensor]] = None,
    ) -> Dict[str, Tensor]:
        """Compute the loss of each width.

        Args:
            similarities: Cosines ``[N, M]`` of each width that ran; 1.0 among them.
            labels: ``[N]`` integers, the column of the positive.
            widths: All widths of the model, largest first.
            embeddings: Unit vectors ``[N, D]`` of each width that ran; needed for ``distill_on='embeddings'``.

        Returns:
            For each of ``widths``: ``loss_<width>`` (0 for one that did not run), and to be logged ``clr_<width>``,
            ``contrast_acc_<width>`` (per cent) and, where distilled, ``kd_gap_<width>``: the distillation loss above
            its least value. The loss to minimise is the sum of the ``loss_`` entries.
        """
        outputs: Dict[str, Tensor] = {}
        running = [width for width in widths if width in similarities]
        weights = dict(zip(widths, reweight_widths(self.reweight, widths)))
        if len(running) == 1:
            weights = {running[0]: 1.0}
        for index, width in enumerate(widths):
            name = width_name(width)
            if width not in similarities:
                outputs[f'loss_{name}'] = labels.new_zeros((), dtype=torch.float)
                continue
            logits = similarities[width].float() / self.temperature
            loss = contrast = self.scale * info_nce(logits, labels)
            if index > 0 and self.distill is not None:
                distance, gap = self._distill(similarities, embeddings, width, running[: running.index(width)], labels)
                loss = (1 - self.distill_weight) * contrast + self.distill_weight * distance
                outputs[f'kd_gap_{name}'] = gap
            outputs[f'loss_{name}'] = weights[width] * loss
            outputs[f'clr_{name}'] = contrast.detach()
            outputs[f'contrast_acc_{name}'] = 100 * (logits.detach().argmax(dim=1) == labels).float().mean()
        return outputs

    def _distill(self, similarities, embeddings, width, wider, labels) -> Tuple[Tensor, Tensor]:
        rows, divisor = similarities, 1.0
        if self.distill_on == 'logits':
            divisor = self.temperature
        elif self.distill_on == 'embeddings':
            if embeddings is None:
                raise ValueError("distill_on='embeddings' needs the embeddings of each width")
            rows = embeddings
        student = rows[width].float() / divisor
        teachers = [rows[w].detach().float() / divisor for w in (wider if self.teachers == 'all_wider' else wider[:1])]
        distances = [self.distill(student, teacher, labels) for teacher in teachers]
        floors = [self.distill.floor(teacher) for teacher in teachers]
        distance = torch.stack(distances).mean()
        return distance, (distance.detach() - torch.stack(floors).mean())
