"""The trunk of learned generators."""

from torch import Tensor, nn


class PoseMLP(nn.Module):
    """Linear layers with batch normalisation and LeakyReLU(0.01), without skips (PoseAug, CVPR 2021, its code).

    Args:
        in_channels: Numbers in.
        out_channels: Numbers out.
        width: Channels between.
        stages: Stages of two layers, after the first layer.
    """

    def __init__(self, in_channels: int, out_channels: int, width: int = 256, stages: int = 2) -> None:
        super().__init__()
        layers = []
        for channels in (in_channels, *[width] * (2 * stages)):
            layers += [nn.Linear(channels, width), nn.BatchNorm1d(width), nn.LeakyReLU(0.01)]
        self.layers = nn.Sequential(*layers, nn.Linear(width, out_channels))
        for layer in self.layers:
            if isinstance(layer, nn.Linear):
                nn.init.kaiming_normal_(layer.weight)

    def forward(self, inputs: Tensor) -> Tensor:
        """``[N, in_channels]`` to ``[N, out_channels]``."""
        return self.layers(inputs)
