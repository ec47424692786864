"""From the features of a video to states of its events, actions and atoms."""

from typing import Optional

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from vlplugins.models.layers.concept_slots import ConceptSlots
from vlplugins.models.layers.graph_levels import GraphLevels
from vlplugins.models.layers.masked_lstm import MaskedBiLSTM
from vlplugins.models.layers.proposal_map import proposal_lengths, proposal_mask, segment_max, segment_sum
from vlplugins.models.layers.relational_graph import RelationalGraphLayer
from vlplugins.registry import MODELS

VIDEO_ROLES = ('NEXT', 'PREV', 'HAS', 'OF', 'SAME', 'SELF')


def video_roles(positions: int, slots: int) -> Tensor:
    """Edges of a video, booleans ``[6, n, n]``, of P actions and then their P * K atoms.

    An action has the next and the previous one, and its atoms; an atom is the same one as that of its number in the
    neighbouring actions; every node has itself.
    """
    size = positions * (1 + slots)
    roles = torch.zeros(len(VIDEO_ROLES), size, size, dtype=torch.bool)
    action = torch.arange(positions)
    atom = positions + torch.arange(positions * slots).view(positions, slots)
    roles[0, action[:-1], action[1:]] = roles[1, action[1:], action[:-1]] = True
    roles[2, action[:, None], atom] = roles[3, atom, action[:, None]] = True
    roles[4, atom[:-1], atom[1:]] = roles[4, atom[1:], atom[:-1]] = True
    roles[5].fill_diagonal_(True)
    return roles


@MODELS.register_module()
class VideoGraphEncoder(BaseModule):
    """Mapped features, a bidirectional LSTM, graph layers between positions and their concepts, and all segments.

    The L positions of the features become P coarse ones: an action is the mean of its L / P states, its K atoms are
    objects that a detector found, or :class:`ConceptSlots`. An event is the maximum of the actions of a segment, and
    takes, after the graph layers, the mean of them. Context-free states are those of the mapped features, before
    positions are known and before LSTM and graph layers.

    Args:
        in_channels: Width of the features.
        dim: d.
        num_positions: L, to which :class:`ResampleFeatures` brings each video.
        num_coarse: P, a divisor of L.
        num_slots: K.
        object_channels: Width of the features of objects; ``None``: there are none.
        layers: Graph layers.
        heads: Heads of their attention.
        role_aware: Whether the types of edges matter.
        sparse: Not all long segments, see :func:`proposal_mask`.
        dropout: Of the mapped features.
        graph_dropout: Of the graph layers.
        init_cfg: MMEngine initialisation.

    Raises:
        ValueError: L that P does not divide, or K below 1.
    """

    def __init__(
        self,
        in_channels: int,
        dim: int = 512,
        num_positions: int = 64,
        num_coarse: int = 16,
        num_slots: int = 4,
        object_channels: Optional[int] = None,
        layers: int = 2,
        heads: int = 8,
        role_aware: bool = True,
        sparse: bool = False,
        dropout: float = 0.2,
        graph_dropout: float = 0.1,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        if num_coarse < 1 or num_positions % num_coarse:
            raise ValueError(f'num_positions {num_positions} must be a multiple of num_coarse {num_coarse}')
        if num_slots < 1:
            raise ValueError(f'num_slots {num_slots} must be at least 1')
        self.in_channels, self.num_positions, self.num_coarse = in_channels, num_positions, num_coarse
        self.num_slots, self.object_channels = num_slots, object_channels
        self.project = _mapped(in_channels, dim, dropout)
        self.position_embed = nn.Parameter(0.02 * torch.randn(num_positions, dim))
        self.lstm = MaskedBiLSTM(dim, dim)
        if object_channels is None:
            self.slots = ConceptSlots(dim, num_slots)
        else:
            self.objects = _mapped(object_channels, dim, 0.0)
        self.layers = nn.ModuleList(
            [RelationalGraphLayer(dim, len(VIDEO_ROLES), heads, graph_dropout, role_aware) for _ in range(layers)]
        )
        self.event_update, self.event_norm = nn.Linear(dim, dim), nn.LayerNorm(dim)
        nn.init.xavier_uniform_(self.event_update.weight)
        nn.init.zeros_(self.event_update.bias)
        self.register_buffer('roles', video_roles(num_coarse, num_slots)[None], persistent=False)
        self.register_buffer('proposals', proposal_mask(num_coarse, sparse), persistent=False)

    def forward(self, video: Tensor, objects: Optional[Tensor] = None) -> GraphLevels:
        """Encode B videos.

        Args:
            video: Features ``[B, L, in_channels]``.
            objects: ``[B, P, K, object_channels]``, where the model takes them.

        Raises:
            ValueError: features of another shape, or objects missing, not expected, or of another shape.
        """
        self._check(video, objects)
        mapped = self.project(video)
        lengths = torch.full((len(video),), self.num_positions, device=video.device)
        states = self.lstm(mapped + self.position_embed, lengths)
        free, parts = (each.unflatten(1, (self.num_coarse, -1)) for each in (mapped, states))
        actions = parts.mean(dim=2)
        if self.object_channels is None:
            atoms, free_atoms = self.slots(parts), self.slots(free)
        else:
            atoms = free_atoms = self.objects(objects)
        nodes = torch.cat([actions, atoms.flatten(1, 2)], dim=1)
        mask = torch.ones(nodes.shape[:2], dtype=torch.bool, device=nodes.device)
        for layer in self.layers:
            nodes = layer(nodes, self.roles, mask)
        reasoned = nodes[:, : self.num_coarse]
        return GraphLevels(
            dict(
                event=self._events(actions, reasoned),
                action=reasoned,
                atom=nodes[:, self.num_coarse :].unflatten(1, (self.num_coarse, self.num_slots)),
            ),
            dict(action=free.mean(dim=2), atom=free_atoms),
            dict(event=self.proposals),
        )

    def _events(self, actions: Tensor, reasoned: Tensor) -> Tensor:
        """``[B, P, P, d]``: maxima of the actions, updated by means of those after the graph layers."""
        lengths = proposal_lengths(self.num_coarse, actions.device)
        means = segment_sum(reasoned) / lengths[..., None]
        events = self.event_norm(segment_max(actions) + self.event_update(means.to(reasoned.dtype)))
        return events * self.proposals[..., None]

    def _check(self, video: Tensor, objects: Optional[Tensor]) -> None:
        expected = self.num_positions, self.in_channels
        if tuple(video.shape[1:]) != expected:
            raise ValueError(
                f'video features [B, {", ".join(map(str, video.shape[1:]))}]; expected [B, num_positions='
                f'{expected[0]}, in_channels={expected[1]}] (ResampleFeatures gives the positions)'
            )
        if (objects is None) != (self.object_channels is None):
            found = 'no objects' if objects is None else 'objects'
            raise ValueError(f'there are {found} for object_channels={self.object_channels}')
        shape = self.num_coarse, self.num_slots, self.object_channels
        if objects is not None and tuple(objects.shape[1:]) != shape:
            raise ValueError(f'objects {list(objects.shape)}; expected [B, num_coarse, num_slots, channels] = {shape}')


def _mapped(in_channels: int, dim: int, dropout: float) -> nn.Sequential:
    linear = nn.Linear(in_channels, dim)
    nn.init.xavier_uniform_(linear.weight)
    nn.init.zeros_(linear.bias)
    return nn.Sequential(linear, nn.ReLU(), nn.LayerNorm(dim), nn.Dropout(dropout))
