"""Box head that sees, beside its region, vectors that describe the whole image."""

from typing import Any, Optional, Sequence, Tuple

import torch
from mmdet.models.roi_heads.bbox_heads import BBoxHead
from torch import Tensor

from vlplugins.registry import MODELS


@MODELS.register_module()
class ContextBBoxHead(BBoxHead):
    """mmdet's ``BBoxHead`` on the concatenation of context vectors of the image and the feature of the region.

    Context regularisation of Saito et al. (CVPR 2019, section 3.4). Without contexts it is ``BBoxHead``.

    Args:
        context_channels: Length of each context, in their order before the feature of the region.
        kwargs: Arguments of mmdet's ``BBoxHead``.
    """

    def __init__(self, context_channels: Sequence[int] = (128, 128), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.context_channels = tuple(context_channels)
        for name in ('fc_cls', 'fc_reg'):
            layer = getattr(self, name, None)
            if layer is not None and self.context_channels:
                width = layer.in_features + sum(self.context_channels)
                setattr(self, name, type(layer)(width, layer.out_features, bias=layer.bias is not None))

    def forward(
        self, x: Tensor, contexts: Sequence[Tensor] = (), image_ids: Optional[Tensor] = None
    ) -> Tuple[Tensor, Tensor]:
        """Score regions.

        Args:
            x: Features of ``N`` regions, ``[N, C, S, S]``, or ``[N, C]``.
            contexts: One ``[B, c_i]`` for each of ``context_channels``.
            image_ids: Image of each region, long ``[N]``.

        Returns:
            Logits ``[N, num_classes + 1]`` and deltas ``[N, 4 * num_classes]``.

        Raises:
            ValueError: contexts of other lengths than the head was made for.
        """
        if tuple(context.size(1) for context in contexts) != self.context_channels:
            found = [tuple(context.shape) for context in contexts]
            raise ValueError(f'found contexts {found}; expected the lengths {list(self.context_channels)}')
        if x.dim() == 4:
            x = x.mean(dim=(2, 3)) if self.with_avg_pool else x.flatten(1)
        x = torch.cat([*(context[image_ids] for context in contexts), x], dim=1)
        return self.fc_cls(x) if self.with_cls else None, self.fc_reg(x) if self.with_reg else None
