"""From the events of a statement to whether it follows."""

import math
from typing import Tuple

import torch
from torch import Tensor, nn

from vlplugins.models.layers.xavier import xavier_linears
from vlplugins.registry import MODELS

_VERDICTS = ('soft_and', 'mean', 'global')


def soft_and(logits: Tensor, mask: Tensor) -> Tensor:
    """The smooth least of logits, ``-(logsumexp(-z) - log M)``: equal ones give that value, one bad one decides.

    Args:
        logits: ``[N, M]``.
        mask: Booleans ``[N, M]``, at least one true in each row.
    """
    turned = (-logits.float()).masked_fill(~mask, float('-inf'))
    return -(turned.logsumexp(dim=1) - mask.sum(dim=1).float().log())


@MODELS.register_module()
class EntailmentHead(nn.Module):
    """Judges each event, joins the judgements, and mixes them with one of the whole statement.

    A statement of several meanings is true if all hold: ``logit = lambda z_whole + (1 - lambda) z_events`` with a
    learned lambda.

    Args:
        dim: d.
        verdict: How events are joined: ``'soft_and'``, ``'mean'``; ``'global'`` takes the whole statement alone.
        loss_cls: Config of the loss of the logits ``[N, 1]`` against labels of that shape.
        threshold: Score from which a statement counts as entailed.

    Raises:
        ValueError: an unknown verdict.
    """

    def __init__(
        self,
        dim: int = 256,
        verdict: str = 'soft_and',
        loss_cls: dict = dict(type='mmdet.CrossEntropyLoss', use_sigmoid=True),  # noqa: B006
        threshold: float = 0.5,
    ) -> None:
        super().__init__()
        if verdict not in _VERDICTS:
            raise ValueError(f'verdict {verdict!r} is unknown; expected one of {_VERDICTS}')
        self.verdict, self.threshold = verdict, threshold
        self.loss_cls = MODELS.build(loss_cls)
        self.whole = nn.Sequential(nn.Linear(2 * dim, dim), nn.GELU(), nn.Linear(dim, 1))
        self.event = None if verdict == 'global' else nn.Linear(dim, 1)
        xavier_linears(self)
        self.mixing = None if verdict == 'global' else nn.Parameter(torch.zeros(()))

    def forward(self, nodes: Tensor, whole: Tensor, mask: Tensor) -> Tuple[Tensor, Tensor]:
        """Logits ``[N]`` of statements, and ``[N, M]`` of events (NaN for padding, or where none are judged).

        Args:
            nodes: Of the statement and its events, ``[N, 1 + M, d]``.
            whole: Of the statement alone, ``[N, d]``.
            mask: Real events, booleans ``[N, M]``.
        """
        logit = self.whole(torch.cat([nodes[:, 0], whole], dim=1)).squeeze(1).float()
        if self.event is None:
            return logit, logit.new_full(mask.shape, math.nan)
        events = self.event(nodes[:, 1:]).squeeze(2).float()
        if self.verdict == 'soft_and':
            joined = soft_and(events, mask)
        else:
            joined = (events * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)
        share = self.mixing.sigmoid()
        return share * logit + (1 - share) * joined, events.masked_fill(~mask, math.nan)

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Loss of logits ``[N]`` against labels ``[N]``; a scalar."""
        return self.loss_cls(logits[:, None], labels[:, None].float())
