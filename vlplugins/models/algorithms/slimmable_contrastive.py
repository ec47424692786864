"""What the three forms of slimmable contrastive learning share."""

from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import torch
import torch.nn.functional as F
from torch import Tensor

from vlplugins.models.algorithms.feature_extractor import FeatureExtractor
from vlplugins.models.layers.widths import widths_of
from vlplugins.registry import MODELS

Inputs = Union[Tensor, Sequence[Tensor]]


class SlimmableContrastiveModel(FeatureExtractor):
    """Backbone and projector run at several widths; a subclass says what each width is contrasted with.

    While ``subnets_enabled`` is false (slow start of SlimCLR; a hook sets it) only the full width runs in training.

    Args:
        backbone: Config of a slimmable backbone.
        neck: Config of the projector, :class:`SlimmableMLPNeck`.
        loss: Config of :class:`SlimmableContrastiveLoss`.
        data_preprocessor: Config of :class:`SelfSupDataPreprocessor`.
        init_cfg: MMEngine initialisation.

    Raises:
        ValueError: backbone and neck have different widths.
    """

    # Whether sub-networks may have several teachers (released for MoCo v2 only).
    several_teachers = False

    def __init__(
        self,
        backbone: dict,
        neck: dict,
        loss: dict,
        data_preprocessor: Optional[dict] = None,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(backbone, data_preprocessor, init_cfg)
        self.neck = MODELS.build(neck)
        self.loss_module = MODELS.build(loss)
        self.widths = self.test_widths = widths_of(self)
        self.subnets_enabled = True
        if self.loss_module.teachers == 'all_wider' and not self.several_teachers:
            raise ValueError(
                f"{type(self).__name__} has no form with teachers='all_wider'; use SlimmableMoCo or 'full'"
            )

    @property
    def training_widths(self) -> Tuple[float, ...]:
        """The widths that run in a training step now."""
        return self.widths if self.subnets_enabled else self.widths[:1]

    def embed(self, images: Tensor, width: float) -> Tensor:
        """Unit embedding ``[N, D]`` of images ``[N, C, H, W]`` at one width, normalised in single precision."""
        return F.normalize(self.neck(self.backbone(images, width), width).float(), dim=1)

    def forward(self, inputs: Inputs, data_samples: Optional[List] = None, mode: str = 'tensor') -> Any:
        """Run the model.

        Args:
            inputs: For ``'loss'`` two views, each ``[N, C, H, W]``; otherwise one image batch ``[N, C, H, W]``.
            data_samples: One sample per image; needed for ``'predict'``.
            mode: ``'loss'``: dict of losses; ``'tensor'`` and ``'predict'`` as in :class:`FeatureExtractor`.

        Raises:
            ValueError: another mode; for ``'loss'`` other than two views, or one image per process.
        """
        if mode == 'loss':
            return self.loss(*self._check_views(inputs))
        return super().forward(inputs, data_samples, mode)

    def loss(self, first: Tensor, second: Tensor) -> Dict[str, Tensor]:
        """Losses and logged values of two views ``[N, C, H, W]`` of the same images."""
        raise NotImplementedError

    @staticmethod
    def cosines(queries: Tensor, keys: Tensor) -> Tensor:
        """Cosines ``[N, M]`` of unit vectors ``[N, D]`` and ``[M, D]``, in single precision under autocast too.

        Over tens of thousands of negatives the gradients of single cosines are below what half precision holds.
        """
        with torch.autocast(queries.device.type, enabled=False):
            return queries.float() @ keys.float().T

    def _check_views(self, inputs: Inputs) -> Tuple[Tensor, Tensor]:
        if isinstance(inputs, Tensor) or len(inputs) != 2:
            found = 'one batch' if isinstance(inputs, Tensor) else f'{len(inputs)} views'
            raise ValueError(
                f'{type(self).__name__} needs two views of each image, found {found}; '
                'add the transform MultiView to the training pipeline'
            )
        if inputs[0].size(0) < 2:
            raise ValueError(
                'a training batch of one image per process has no batch statistics and no negative; '
                'use a larger batch_size, and drop_last=True'
            )
        return tuple(inputs)

    @torch.no_grad()
    def encode(self, images: Tensor, width: float = 1.0) -> Tensor:
        """Unit embedding without gradient, for analysis."""
        return self.embed(images, width)
