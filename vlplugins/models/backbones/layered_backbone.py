"""A backbone followed by layers on its maps."""

from typing import Any, Dict, Optional, Sequence, Tuple, Union

from mmengine.model import BaseModule, ModuleList
from torch import Tensor

from vlplugins.registry import MODELS


@MODELS.register_module()
class LayeredBackbone(BaseModule):
    """Puts layers behind any backbone, where the recognizer or detector around it has no place for them.

    Each layer takes maps ``[N, C, T, V]`` (or ``[N, C, H, W]``) to maps of as many axes; maps with more leading axes,
    as mmaction2's graph networks give them (``[N, M, C, T, V]``), pass it as one batch.

    Args:
        backbone: Config of the backbone, whose output is a map or a sequence of maps.
        layers: Configs of layers, one after the other, for each map with weights of its own where there are several.
        num_maps: How many maps the backbone gives; ``None``: a map, not a sequence.
        init_cfg: As in MMEngine's ``BaseModule``.

    Raises:
        ValueError: no layer; (when called) another number of maps, or maps of fewer than four axes.
    """

    def __init__(
        self,
        backbone: Dict[str, Any],
        layers: Sequence[Dict[str, Any]],
        num_maps: Optional[int] = None,
        init_cfg: Any = None,
    ) -> None:
        super().__init__(init_cfg)
        if not layers:
            raise ValueError('LayeredBackbone without layers is its backbone alone')
        self.backbone, self.num_maps = MODELS.build(backbone), num_maps
        self.layers = ModuleList(
            ModuleList(MODELS.build(dict(layer)) for layer in layers) for _ in range(num_maps or 1)
        )

    def forward(self, *args: Any, **kwargs: Any) -> Union[Tensor, Tuple[Tensor, ...]]:
        """What the backbone gives, each map after its layers."""
        maps = self.backbone(*args, **kwargs)
        each = [maps] if isinstance(maps, Tensor) else list(maps)
        if isinstance(maps, Tensor) != (self.num_maps is None) or len(each) != len(self.layers):
            found = 'a map' if isinstance(maps, Tensor) else f'{len(each)} maps'
            raise ValueError(f'the backbone gives {found}; LayeredBackbone was told num_maps={self.num_maps}')
        done = tuple(self._pass(one, layers) for one, layers in zip(each, self.layers))
        return done[0] if self.num_maps is None else done

    @staticmethod
    def _pass(maps: Tensor, layers: ModuleList) -> Tensor:
        if maps.dim() < 4:
            raise ValueError(f'found a map of shape {tuple(maps.shape)}; expected [..., C, T, V]')
        leading = maps.shape[:-3]
        maps = maps.flatten(0, -4)
        for layer in layers:
            maps = layer(maps)
        return maps.unflatten(0, leading)
