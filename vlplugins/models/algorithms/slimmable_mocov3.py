"""SlimCLR on MoCo v3: symmetric contrast within the joined batch, with a predictor on the queries."""

from typing import Dict, Optional

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlplugins.models.algorithms.slimmable_contrastive import SlimmableContrastiveModel
from vlplugins.models.layers.momentum_encoder import MomentumEncoder
from vlplugins.registry import MODELS
from vlplugins.utils.distributed import gather, offset_of_rank


@MODELS.register_module()
class SlimmableMoCoV3(SlimmableContrastiveModel):
    """MoCo v3 (Chen et al., ICCV 2021) with a slimmable query encoder (SlimCLR, IJCV 2024, sec. 3).

    Queries of every width go through projector and predictor, keys of the full width through the projector of the
    momentum encoder alone. Each view is contrasted with the keys of the other, of all processes; the losses add up.

    Args:
        backbone: Config of a slimmable backbone.
        neck: Config of the projector.
        predictor: Config of the predictor (``slim_input=False``, ``avg_pool=False``).
        loss: Config of :class:`SlimmableContrastiveLoss`; MoCo v3 has ``scale`` twice the temperature.
        base_momentum: Momentum of the key encoder; the configs raise it to 1 with ``ScheduledValueHook`` on
            ``key_encoder.momentum``.
        data_preprocessor: Config of :class:`SelfSupDataPreprocessor`.
        init_cfg: MMEngine initialisation.
    """

    def __init__(
        self,
        backbone: dict,
        neck: dict,
        predictor: dict,
        loss: dict,
        base_momentum: float = 0.99,
        data_preprocessor: Optional[dict] = None,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(backbone, neck, loss, data_preprocessor, init_cfg)
        self.predictor = MODELS.build(predictor)
        self.key_encoder = MomentumEncoder(self._query_encoder(), base_momentum)

    def _query_encoder(self) -> nn.ModuleDict:
        return nn.ModuleDict(dict(backbone=self.backbone, neck=self.neck))

    def init_weights(self) -> None:
        """Initialise the query encoder, and start the key encoder equal to it."""
        super().init_weights()
        self.key_encoder.copy_from(self._query_encoder())

    def embed(self, images: Tensor, width: float) -> Tensor:
        """Unit prediction ``[N, D]`` of images at one width."""
        projected = self.neck(self.backbone(images, width), width)
        return F.normalize(self.predictor(projected, width).float(), dim=1)

    def loss(self, first: Tensor, second: Tensor) -> Dict[str, Tensor]:
        """Losses of two views ``[N, C, H, W]``, summed over both directions; logged values are averaged."""
        self.key_encoder.update(self._query_encoder())
        first_keys, second_keys = self.make_keys(first), self.make_keys(second)
        forth = self._one_direction(first, second_keys)
        back = self._one_direction(second, first_keys)
        return {
            name: forth[name] + back[name] if name.startswith('loss') else (forth[name] + back[name]) / 2
            for name in forth
        }

    @torch.no_grad()
    def make_keys(self, images: Tensor) -> Tensor:
        """Unit keys ``[N, D]`` of the full width, without predictor."""
        encoder = self.key_encoder.module
        return F.normalize(encoder['neck'](encoder['backbone'](images, 1.0), 1.0).float(), dim=1)

    def _one_direction(self, images: Tensor, keys: Tensor) -> Dict[str, Tensor]:
        all_keys = gather(keys, equal_sizes=True)
        labels = torch.arange(len(keys), device=keys.device) + offset_of_rank(keys, equal_sizes=True)
        queries = {width: self.embed(images, width) for width in self.training_widths}
        similarities = {width: self.cosines(query, all_keys) for width, query in queries.items()}
        return self.loss_module(similarities, labels, self.widths, queries)
