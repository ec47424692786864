"""SemGCN: a graph network with learned weights of its edges, for single poses."""

from typing import Optional, Sequence, Tuple, Union

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from vlplugins.registry import MODELS
from vlplugins.structures.skeleton_layout import SkeletonLayout, get_layout


class SemGraphConv(nn.Module):
    """One layer: ``(A * I) x W0 + (A * (1 - I)) x W1 + b``, with ``A`` the softmax over each row of learned edges.

    Args:
        in_channels: Channels in.
        out_channels: Channels out.
        adjacency: ``[V, V]``, non-zero where there is an edge or a joint itself.
    """

    def __init__(self, in_channels: int, out_channels: int, adjacency: Tensor) -> None:
        super().__init__()
        self.W = nn.Parameter(torch.empty(2, in_channels, out_channels))
        nn.init.xavier_uniform_(self.W[0], gain=1.414)
        nn.init.xavier_uniform_(self.W[1], gain=1.414)
        self.register_buffer('mask', adjacency > 0, persistent=False)
        self.e = nn.Parameter(torch.ones(1, int(self.mask.sum())))
        bound = out_channels**-0.5
        self.bias = nn.Parameter(torch.empty(out_channels).uniform_(-bound, bound))
        rows, columns = self.mask.nonzero(as_tuple=True)
        self.register_buffer('rows', rows, persistent=False)
        self.register_buffer('columns', columns, persistent=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """``[N, V, in_channels]`` to ``[N, V, out_channels]``."""
        # In single precision: the mask is out of the range of half precision.
        logits = torch.full_like(self.mask, -9e15, dtype=torch.float32)
        logits = logits.index_put((self.rows, self.columns), self.e[0].float())
        edges = logits.softmax(dim=1)
        own = torch.diagonal(edges)
        others = edges - torch.diag(own)
        return own[:, None] * (inputs @ self.W[0]) + others.to(inputs.dtype) @ (inputs @ self.W[1]) + self.bias


class _GraphConv(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, adjacency: Tensor, dropout: float) -> None:
        super().__init__()
        self.gconv = SemGraphConv(in_channels, out_channels, adjacency)
        self.bn = nn.BatchNorm1d(out_channels)
        self.dropout = nn.Dropout(dropout) if dropout else None

    def forward(self, inputs: Tensor) -> Tensor:
        """Features ``[N, V, in_channels]`` of joints to ``[N, V, out_channels]``, normalised over poses and joints."""
        out = self.bn(self.gconv(inputs).transpose(1, 2)).transpose(1, 2).relu()
        return out if self.dropout is None else self.dropout(out)


class _ResidualGraphConv(nn.Module):
    def __init__(self, channels: int, adjacency: Tensor, dropout: float) -> None:
        super().__init__()
        self.gconv1 = _GraphConv(channels, channels, adjacency, dropout)
        self.gconv2 = _GraphConv(channels, channels, adjacency, dropout)

    def forward(self, inputs: Tensor) -> Tensor:
        """Features ``[N, V, channels]`` of joints; same shape."""
        return inputs + self.gconv2(self.gconv1(inputs))


@MODELS.register_module()
class SemGCN(BaseModule):
    """Lifts a pose over the graph of its joints (Zhao et al., *Semantic Graph Convolutional Networks for 3D Human Pose
    Regression*, CVPR 2019; without its non-local layers, as PoseAug uses it).

    Args:
        channels: Channels between.
        num_blocks: Residual blocks of two layers.
        dropout: Share of dropped numbers.
        layout: Layout of the skeleton.
        out_channels: Coordinates of the result.
        init_cfg: Initialisation.
    """

    def __init__(
        self,
        channels: int = 128,
        num_blocks: int = 4,
        dropout: float = 0.0,
        layout: Union[str, SkeletonLayout] = 'h36m16',
        out_channels: int = 3,
        init_cfg: Optional[Union[dict, Sequence[dict]]] = None,
    ) -> None:
        super().__init__(init_cfg)
        self.layout = get_layout(layout)
        adjacency = torch.eye(self.layout.num_joints)
        for child, parent in self.layout.bones:
            adjacency[child, parent] = adjacency[parent, child] = 1
        self.gconv_input = nn.Sequential(_GraphConv(2, channels, adjacency, dropout))
        blocks = [_ResidualGraphConv(channels, adjacency, dropout) for _ in range(num_blocks)]
        self.gconv_layers = nn.Sequential(*blocks)
        self.gconv_output = SemGraphConv(channels, out_channels, adjacency)

    def forward(self, inputs: Tensor) -> Tuple[Tensor]:
        """``[N, 2 V, 1]`` to a tuple of one ``[N, V, 3]``; the root is predicted like other joints."""
        points = inputs.reshape(len(inputs), self.layout.num_joints, 2)
        return (self.gconv_output(self.gconv_layers(self.gconv_input(points))),)
