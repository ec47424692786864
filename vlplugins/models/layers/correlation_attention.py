"""A target that looks for itself in a map."""

from torch import Tensor, nn

from vlplugins.registry import MODELS


def correlation_attention(targets: Tensor, maps: Tensor) -> Tensor:
    """Maps, each gated by how much every place of it resembles its target (Fan et al., CVPR 2022, eq. 6).

    The target is a filter of size 1 with one response, which multiplies all channels. There is no scale, no softmax
    and no temperature.

    Args:
        targets: ``[N, C]``.
        maps: ``[N, C, h, w]``.

    Returns:
        ``[N, C, h, w]``.
    """
    response = (targets[:, None, :] @ maps.flatten(2)).unflatten(2, maps.shape[2:])
    return response * maps


@MODELS.register_module()
class CorrelationLayer(nn.Module):
    """What a target finds in its crop: the gated crop, by two linear layers, as one vector.

    Args:
        dim: C.
        pool_size: K, the side of the crop.
    """

    def __init__(self, dim: int = 256, pool_size: int = 7) -> None:
        super().__init__()
        places = pool_size * pool_size
        self.layers = nn.Sequential(
            nn.Linear(places * dim, 2 * dim),
            nn.LayerNorm(2 * dim),
            nn.ReLU(),
            nn.Linear(2 * dim, dim),
            nn.LayerNorm(dim),
            nn.ReLU(),
        )

    def forward(self, targets: Tensor, crops: Tensor) -> Tensor:
        """``[N, C]`` of targets ``[N, C]`` and their crops ``[N, C, K, K]``."""
        gated = correlation_attention(targets, crops)
        # Places first, then channels: the order of the released weights.
        return self.layers(gated.flatten(2).transpose(1, 2).flatten(1))
