"""Linear classifier for each width of a slimmable backbone."""

from typing import Dict, Optional, Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor

from vlplugins.models.layers.slimmable import SlimmableLinear
from vlplugins.models.layers.switchable import SwitchableLinear
from vlplugins.models.losses.distillation import LogitKLDistill
from vlplugins.registry import MODELS
from vlplugins.utils.widths import check_widths, width_name


@MODELS.register_module()
class SwitchableLinearHead(BaseModule):
    r"""Classifier of the features of each width (switchable linear probe of SlimCLR, IJCV 2024, sec. 3).

    .. math:: L = CE(y_1) + \sum_{i>1} \tfrac12 [CE(y_i) + L_{kd}(y_i, y_1)]

    where the full width's scores teach the others; without distillation :math:`L = \sum_i CE(y_i)`.

    Args:
        in_channels: Features of the full width.
        num_classes: Number of classes.
        widths: The widths, in any order.
        kind: ``'switchable'``: an independent layer per width; ``'slimmable'``: one, cut to each width.
        distill: Whether the full width teaches the others.
        init_std: Standard deviation of the weights (bias 0).
        init_cfg: MMEngine initialisation.

    Raises:
        ValueError: an unknown ``kind``.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        widths: Sequence[float] = (1.0, 0.75, 0.5, 0.25),
        kind: str = 'switchable',
        distill: bool = True,
        init_std: float = 0.01,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        if kind not in ('switchable', 'slimmable'):
            raise ValueError(f"kind {kind!r} is unknown; expected 'switchable' or 'slimmable'")
        self.widths, self.num_classes = check_widths(widths), num_classes
        layer = SwitchableLinear if kind == 'switchable' else SlimmableLinear
        self.fc = layer(in_channels, (num_classes,) * len(self.widths), widths=self.widths, init_std=init_std)
        self.distill = LogitKLDistill(tau_teacher=1.0, tau_student=1.0) if distill else None

    def forward(self, features: Dict[float, Tensor]) -> Dict[float, Tensor]:
        """Scores ``{width: [N, num_classes]}`` of features ``{width: [N, C_w]}``."""
        return {width: self.fc(rows, width) for width, rows in features.items()}

    def loss(self, features: Dict[float, Tensor], labels: Tensor) -> Dict[str, Tensor]:
        """Loss and accuracy (per cent) of each width, for ``labels [N]``."""
        scores = self(features)
        outputs: Dict[str, Tensor] = {}
        for width, rows in scores.items():
            name = width_name(width)
            loss = F.cross_entropy(rows.float(), labels)
            if self.distill is not None and width != 1.0 and 1.0 in scores:
                loss = (loss + self.distill(rows, scores[1.0])) / 2
            outputs[f'loss_{name}'] = loss
            outputs[f'accuracy_{name}'] = 100 * (rows.detach().argmax(dim=1) == labels).float().mean()
        return outputs

    @torch.no_grad()
    def predict(self, features: Dict[float, Tensor]) -> Dict[float, Tensor]:
        """Class probabilities ``{width: [N, num_classes]}``."""
        return {width: F.softmax(rows.float(), dim=1) for width, rows in self(features).items()}
