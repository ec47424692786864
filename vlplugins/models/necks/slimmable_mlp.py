"""Projection and prediction heads of slimmable contrastive learning."""

from typing import List, Optional, Sequence, Union

import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from vlplugins.models.layers.pooling import pooled_features
from vlplugins.models.layers.slimmable import SlimmableLinear
from vlplugins.models.layers.switchable import SwitchableBatchNorm1d, SwitchableLinear
from vlplugins.models.layers.widths import WidthModule
from vlplugins.registry import MODELS


@MODELS.register_module()
class SlimmableMLPNeck(WidthModule, BaseModule):
    """Multi-layer perceptron whose hidden layers scale with the width; the embedding keeps its size.

    SlimCLR (IJCV 2024) uses it as the projector of MoCo v2 (two layers with bias), of MoCo v3 (normalised, last
    normalisation without scale and shift) and of SimCLR, and as MoCo v3's predictor (``slim_input=False``,
    ``avg_pool=False``).

    Args:
        in_channels: Input features of the full width.
        hid_channels: Hidden features of the full width.
        out_channels: Size of the embedding, the same for all widths.
        num_layers: Linear layers, at least 1.
        bias: Bias of the linear layers; one value for all, or one per layer.
        with_bn: Switchable normalisation after each hidden layer.
        last_bn: Switchable normalisation (one per width) after the last layer.
        last_bn_affine: Scale and shift in it.
        sync_bn: Statistics over the joined batch of all processes.
        avg_pool: Input is a tuple of maps, of which the last is averaged over space.
        slim_input: Whether the input scales with the width.
        kind: ``'slimmable'`` shares and cuts the linear weights, ``'switchable'`` has independent ones per width.
        init_std: Standard deviation of the linear weights (bias 0). ``None`` keeps PyTorch's default.
        widths: The widths, in any order.
        init_cfg: MMEngine initialisation.

    Raises:
        ValueError: unknown ``kind``, no layer, or wrong number of ``bias`` values.
    """

    def __init__(
        self,
        in_channels: int,
        hid_channels: int,
        out_channels: int,
        num_layers: int = 2,
        bias: Union[bool, Sequence[bool]] = True,
        with_bn: bool = False,
        last_bn: bool = False,
        last_bn_affine: bool = False,
        sync_bn: bool = False,
        avg_pool: bool = True,
        slim_input: bool = True,
        kind: str = 'slimmable',
        init_std: Optional[float] = 0.01,
        widths: Sequence[float] = (1.0, 0.75, 0.5, 0.25),
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(widths)
        self.init_cfg = init_cfg
        if kind not in ('slimmable', 'switchable'):
            raise ValueError(f"kind {kind!r} is unknown; expected 'slimmable' or 'switchable'")
        if num_layers < 1:
            raise ValueError(f'num_layers {num_layers} must be at least 1')
        biases = [bias] * num_layers if isinstance(bias, bool) else list(bias)
        if len(biases) != num_layers:
            raise ValueError(f'{len(biases)} bias values for {num_layers} layers')
        self.avg_pool, self.num_layers = avg_pool, num_layers
        linear = SlimmableLinear if kind == 'slimmable' else SwitchableLinear
        sizes: List = [in_channels if slim_input else (in_channels,) * len(self.widths)]
        sizes += [hid_channels] * (num_layers - 1) + [(out_channels,) * len(self.widths)]
        # Switchable layers keep an int as their output size, hidden ones scale: give them the counts.
        sizes = [[int(s * w) for w in self.widths] if isinstance(s, int) else s for s in sizes]
        for index in range(num_layers):
            layer = linear(sizes[index], sizes[index + 1], biases[index], widths=self.widths, init_std=init_std)
            self.add_module(f'fc{index}', layer)
            last = index == num_layers - 1
            if last_bn if last else with_bn:
                affine = last_bn_affine or not last
                norm = SwitchableBatchNorm1d(sizes[index + 1], self.widths, affine=affine, sync=sync_bn)
                self.add_module(f'bn{index}', norm)

    def forward(self, inputs: Union[Tensor, Sequence[Tensor]], width: Optional[float] = None) -> Tensor:
        """Embed features.

        Args:
            inputs: ``[N, in(width)]``; with ``avg_pool`` a tuple of maps, the last ``[N, in(width), H, W]``.
            width: As in :class:`SlimmableResNet`.

        Returns:
            Embedding ``[N, out_channels]``, not normalised.
        """
        width = self.widths[self.width_index(width)]
        features = pooled_features(inputs) if self.avg_pool else inputs
        for index in range(self.num_layers):
            features = getattr(self, f'fc{index}')(features, width)
            norm: Optional[nn.Module] = getattr(self, f'bn{index}', None)
            if norm is not None:
                features = norm(features, width)
            if index < self.num_layers - 1:
                features = F.relu(features)
        return features
