"""Features of a frozen backbone, for nearest neighbours and linear probes."""

from typing import Any, Dict, List, Optional

from mmengine.model import BaseModel
from torch import Tensor

from vlplugins.models.layers.pooling import pooled_features
from vlplugins.models.layers.widths import WidthModule, widths_of
from vlplugins.registry import MODELS


@MODELS.register_module()
class FeatureExtractor(BaseModel):
    """Averages the last map of any backbone over space; a slimmable backbone is run at each of its widths
    (in ``test_widths``, all by default).

    Args:
        backbone: Config of a backbone that returns a tuple of maps, of any package (``mmdet.ResNet``).
        data_preprocessor: Config of :class:`SelfSupDataPreprocessor`.
        init_cfg: MMEngine initialisation.
    """

    def __init__(
        self, backbone: dict, data_preprocessor: Optional[dict] = None, init_cfg: Optional[dict] = None
    ) -> None:
        super().__init__(MODELS.build(data_preprocessor or dict(type='vlplugins.SelfSupDataPreprocessor')), init_cfg)
        self.backbone = MODELS.build(backbone)
        is_slimmable = any(isinstance(module, WidthModule) for module in self.backbone.modules())
        self.widths = self.test_widths = widths_of(self.backbone) if is_slimmable else (1.0,)
        self.is_slimmable = is_slimmable

    def forward(self, inputs: Tensor, data_samples: Optional[List] = None, mode: str = 'tensor') -> Any:
        """Run the model on images ``[N, C, H, W]``.

        Args:
            inputs: The images.
            data_samples: One sample per image; needed for ``'predict'``.
            mode: ``'tensor'``: pooled features ``{width: [N, C_w]}``; ``'predict'``: the samples with those in
                ``features``.

        Raises:
            ValueError: another mode.
        """
        if mode == 'tensor':
            return self.extract_features(inputs)
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        raise ValueError(f'mode {mode!r} is unknown to {type(self).__name__}')

    def extract_features(self, images: Tensor) -> Dict[float, Tensor]:
        """Pooled features ``{width: [N, C_w]}`` at all widths."""
        if not self.is_slimmable:
            return {1.0: pooled_features(self.backbone(images))}
        return {width: pooled_features(self.backbone(images, width)) for width in self.test_widths}

    def predict(self, images: Tensor, data_samples: List) -> List:
        """Put the features of each image into ``features`` of its sample: ``{width: [C_w]}``."""
        features = {width: rows.float() for width, rows in self.extract_features(images).items()}
        for index, sample in enumerate(data_samples):
            sample.features = {width: rows[index] for width, rows in features.items()}
        return data_samples
