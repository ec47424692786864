"""ST-GCN for single poses: a graph network on joints and on the parts of the body."""

from typing import Optional, Sequence, Tuple, Union

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from vlplugins.registry import MODELS
from vlplugins.structures.skeleton_layout import H36M17

# Left arm, right arm, left leg, right leg, trunk, of the 17 joints of Human3.6M.
PARTS = ((11, 12, 13), (14, 15, 16), (4, 5, 6), (1, 2, 3), (0, 7, 8, 9, 10))
_THORAX, _HEAD, _NECK = 8, 9, 9
_PART_LINKS, _PART_PAIRS, _PART_DISTANCES = ((0, 4), (1, 4), (2, 4), (3, 4)), ((0, 1), (2, 3)), (1, 1, 1, 1, 0)
Links = Sequence[Tuple[int, int]]


def partitions(links: Links, pairs: Links, distances: Sequence[int]) -> Tensor:
    """Adjacency in four parts ``[4, V, V]``: itself, from farther out, from farther in, from the other side.

    Entry ``[k, v, w]`` is the share of node v in the new node w; the four together have columns that sum to 1.

    Args:
        links: Edges of the tree.
        pairs: Edges between the sides of the body.
        distances: For each node its distance from the centre.
    """
    count = len(distances)
    away = torch.tensor(distances)
    own, tree, mirrored = torch.eye(count), torch.zeros(count, count), torch.zeros(count, count)
    for edges, matrix in ((links, tree), (pairs, mirrored)):
        for one, other in edges:
            matrix[one, other] = matrix[other, one] = 1
    outside = tree * (away[:, None] > away[None])
    inside = tree * (away[:, None] < away[None])
    parts = torch.stack([own, outside, inside, mirrored])
    return parts / parts.sum(dim=(0, 1))


def _joint_partitions() -> Tensor:
    # Steps along the tree from the middle of the spine.
    distances = []
    for joint in range(17):
        way, place = [], joint
        while place != H36M17.root:
            way.append(place)
            place = H36M17.parents[place]
        spine = H36M17.index('spine')
        distances.append(way.index(spine) if spine in way else len(way) + 1)
    flip = H36M17.flip_indices
    pairs = [(joint, flip[joint]) for joint in range(17) if joint < flip[joint]]
    return partitions(H36M17.bones, pairs, distances)


class _GraphLayer(nn.Module):
    """Graph convolution, normalisation and a residual: ``[N, C, 1, V]`` to ``[N, C', 1, V]``."""

    def __init__(self, in_channels: int, out_channels: int, dropout: float, residual: bool = True) -> None:
        super().__init__()
        self.gcn = nn.ModuleDict(dict(conv=nn.Conv2d(in_channels, 4 * out_channels, 1)))
        self.tcn = nn.Sequential(
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Conv2d(out_channels, out_channels, 1),
            nn.BatchNorm2d(out_channels),
            nn.Dropout(dropout),
        )
        self.residual: Optional[nn.Module] = nn.Identity() if residual else None
        if residual and in_channels != out_channels:
            self.residual = nn.Sequential(nn.Conv2d(in_channels, out_channels, 1), nn.BatchNorm2d(out_channels))

    def forward(self, inputs: Tensor, adjacency: Tensor) -> Tensor:
        """Features ``[N, in_channels, T, V]`` to ``[N, out_channels, T, V]``.

        Args:
            inputs: The features of the nodes.
            adjacency: ``[4, V, V]``, weights of the edges of each partition, from the first node to the second.
        """
        parts = self.gcn['conv'](inputs).unflatten(1, (4, -1))
        out = self.tcn(torch.einsum('nkctv,kvw->nctw', parts, adjacency.to(parts.dtype)))
        return (out if self.residual is None else out + self.residual(inputs)).relu()


class _NonLocal(nn.Module):
    """Attention over the joints, added to its input (embedded Gaussian); begins as the identity."""

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.g, self.theta, self.phi = (nn.Conv2d(channels, inner, 1) for _ in range(3))
        self.W = nn.Sequential(nn.Conv2d(inner, channels, 1), nn.BatchNorm2d(channels))
        nn.init.zeros_(self.W[1].weight)
        nn.init.zeros_(self.W[1].bias)

    def forward(self, inputs: Tensor) -> Tensor:
        """Features ``[N, channels, T, V]``; same shape."""
        values, queries, keys = (layer(inputs).flatten(2) for layer in (self.g, self.theta, self.phi))
        attention = (queries.transpose(1, 2) @ keys).softmax(dim=-1)
        mixed = (attention @ values.transpose(1, 2)).transpose(1, 2)
        return inputs + self.W(mixed.unflatten(2, inputs.shape[2:]))


@MODELS.register_module()
class SingleFrameSTGCN(BaseModule):
    """Lifts a pose over the graph of its joints and of five parts of the body.

    From Cai et al., *Exploiting Spatial-temporal Relationships for 3D Pose Estimation via Graph Convolutional
    Networks*, ICCV 2019, for one frame as in PoseAug. It works on 17 joints: of 16, the middle between thorax and head
    is put in and its result left out.

    Args:
        dropout: Share of dropped numbers everywhere; ``None``: the rates of the paper (0.05 in layers, then 0.25, 0.1
            and 0.1).
        init_cfg: Initialisation.
    """

    def __init__(self, dropout: Optional[float] = 0.0, init_cfg: Optional[Union[dict, Sequence[dict]]] = None) -> None:
        super().__init__(init_cfg)
        rates = (0.05, 0.25, 0.1, 0.1) if dropout is None else (dropout,) * 4
        # The released network gives 0.1 in the place of eps; its weights need the same.
        self.data_bn = nn.BatchNorm1d(34, eps=0.1)
        self.st_gcn_networks = nn.ModuleList(
            [_GraphLayer(2, 128, rates[0], residual=False), _GraphLayer(128, 128, rates[0])]
            + [_GraphLayer(128, 256, rates[0])]
        )
        self.st_gcn_pool = nn.ModuleList([_GraphLayer(256, 512, rates[0]), _GraphLayer(512, 512, rates[0])])
        self.conv4 = nn.Sequential(nn.Conv2d(512, 512, 1), nn.BatchNorm2d(512), nn.ReLU(), nn.Dropout(rates[1]))
        self.conv2 = nn.Sequential(nn.Conv2d(1024, 256, 1), nn.BatchNorm2d(256), nn.ReLU(), nn.Dropout(rates[2]))
        self.non_local = _NonLocal(512, 256)
        self.fcn = nn.Sequential(nn.Dropout(rates[3]), nn.Conv2d(512, 3, 1))
        self.register_buffer('A', _joint_partitions(), persistent=False)
        self.register_buffer('A_pool', partitions(_PART_LINKS, _PART_PAIRS, _PART_DISTANCES), persistent=False)
        part_of_joint = [next(index for index, part in enumerate(PARTS) if joint in part) for joint in range(17)]
        self.register_buffer('part_of_joint', torch.tensor(part_of_joint), persistent=False)

    def forward(self, inputs: Tensor) -> Tuple[Tensor]:
        """``[N, 32, 1]`` to a tuple of one ``[N, 16, 3]``; the root is predicted like other joints."""
        points = inputs.reshape(len(inputs), 16, 2)
        neck = (points[:, _THORAX : _THORAX + 1] + points[:, _HEAD : _HEAD + 1]) / 2
        points = torch.cat([points[:, :_NECK], neck, points[:, _NECK:]], dim=1)
        features = self.data_bn(points.flatten(1)[..., None]).reshape(len(inputs), 17, 2)
        features = features.transpose(1, 2)[:, :, None]
        for layer in self.st_gcn_networks:
            features = layer(features, self.A)
        parts = torch.cat([features[..., list(part)].amax(dim=-1, keepdim=True) for part in PARTS], dim=-1)
        for layer in self.st_gcn_pool:
            parts = layer(parts, self.A_pool)
        whole = self.conv4(parts.amax(dim=-1, keepdim=True)).expand_as(parts)
        coarse = self.conv2(torch.cat([whole, parts], dim=1))[..., self.part_of_joint]
        joints = self.fcn(self.non_local(torch.cat([features, coarse], dim=1)))[:, :, 0].transpose(1, 2)
        return (torch.cat([joints[:, :_NECK], joints[:, _NECK + 1 :]], dim=1),)
