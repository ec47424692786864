"""Image classification with a slimmable backbone: linear probe, semi-supervised and supervised training."""

from typing import Any, Dict, List, Optional, Sequence

import torch
from mmengine.model import BaseModel
from torch import Tensor

from vlplugins.models.layers.pooling import pooled_features
from vlplugins.models.layers.widths import widths_of
from vlplugins.registry import MODELS
from vlplugins.utils.widths import check_widths


@MODELS.register_module()
class SlimmableClassifier(BaseModel):
    """Classifies an image at every width; in testing at those in ``test_widths``, all by default.

    With ``freeze_backbone`` the backbone has no gradient and stays in eval mode during training, so that neither its
    weights nor its running statistics change: the linear probe of SlimCLR (IJCV 2024).

    Args:
        backbone: Config of a slimmable backbone.
        head: Config of :class:`SwitchableLinearHead`.
        freeze_backbone: Train the head alone.
        train_widths: The widths that run in training; all by default.
        data_preprocessor: Config of :class:`SelfSupDataPreprocessor`.
        init_cfg: MMEngine initialisation.

    Raises:
        ValueError: backbone and head have different widths, or ``train_widths`` names another one.
    """

    def __init__(
        self,
        backbone: dict,
        head: dict,
        freeze_backbone: bool = True,
        train_widths: Optional[Sequence[float]] = None,
        data_preprocessor: Optional[dict] = None,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(MODELS.build(data_preprocessor or dict(type='vlplugins.SelfSupDataPreprocessor')), init_cfg)
        self.backbone = MODELS.build(backbone)
        self.head = MODELS.build(head)
        self.widths = self.test_widths = widths_of(self)
        self.train_widths = self.widths if train_widths is None else check_widths(train_widths)
        if not set(self.train_widths) <= set(self.widths):
            raise ValueError(f'train_widths {self.train_widths} are not all among the widths {self.widths}')
        self.freeze_backbone = freeze_backbone
        if freeze_backbone:
            self.backbone.requires_grad_(False)

    def train(self, mode: bool = True) -> 'SlimmableClassifier':
        """Set train or eval mode; a frozen backbone stays in eval mode."""
        super().train(mode)
        if self.freeze_backbone:
            self.backbone.eval()
        return self

    def forward(self, inputs: Tensor, data_samples: Optional[List] = None, mode: str = 'tensor') -> Any:
        """Run the model on images ``[N, C, H, W]``.

        Args:
            inputs: The images.
            data_samples: One :class:`ClassificationDataSample` per image, with ``gt_label`` for ``'loss'``.
            mode: ``'loss'``: dict of losses; ``'tensor'``: scores ``{width: [N, num_classes]}``; ``'predict'``: the
                samples with ``pred_scores`` (probabilities), ``pred_labels`` and ``features`` per width.

        Raises:
            ValueError: another mode.
        """
        if mode == 'loss':
            labels = torch.cat([sample.gt_label for sample in data_samples]).to(inputs.device)
            return self.head.loss(self.extract_features(inputs, self.train_widths), labels)
        if mode == 'tensor':
            return self.head(self.extract_features(inputs))
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        raise ValueError(f"mode {mode!r} is unknown; expected 'loss', 'predict' or 'tensor'")

    def extract_features(self, images: Tensor, widths: Optional[Sequence[float]] = None) -> Dict[float, Tensor]:
        """Pooled backbone features ``{width: [N, C_w]}``."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.freeze_backbone):
            return {width: pooled_features(self.backbone(images, width)) for width in widths or self.test_widths}

    def predict(self, images: Tensor, data_samples: List) -> List:
        """Put probabilities, label and features per width into the samples."""
        features = self.extract_features(images)
        scores = self.head.predict(features)
        labels = {width: rows.argmax(dim=1, keepdim=True) for width, rows in scores.items()}
        for index, sample in enumerate(data_samples):
            sample.pred_scores = {width: rows[index] for width, rows in scores.items()}
            sample.pred_labels = {width: rows[index] for width, rows in labels.items()}
            sample.features = {width: rows[index].float() for width, rows in features.items()}
        return data_samples
