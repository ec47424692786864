"""The three hierarchies of AHGN: inside a segment, along a clip, and over the events of a statement."""

import functools
from typing import NamedTuple, Optional, Tuple

import torch
from torch import Tensor, nn

from vlplugins.models.layers.inference_states import Premise, Statement
from vlplugins.models.layers.masked_softmax import masked_softmax
from vlplugins.models.layers.relational_graph import RelationalGraphLayer
from vlplugins.models.layers.xavier import xavier_linears
from vlplugins.registry import MODELS
from vlplugins.structures.statement_graph import NUM_STATEMENT_ROLES

_LOCAL_ROLES, _SEGMENT_ROLES = 4, 15


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean over the last dimension but one of ``[..., n, d]`` where the mask ``[..., n]`` is true; else zeros."""
    return (values * mask[..., None]).sum(dim=-2) / mask.sum(dim=-1, keepdim=True).clamp(min=1)


def read_statement(nodes: Tensor, statement: Statement) -> Tensor:
    """What each node ``[N, n, d]`` finds in what the statement claims: a mean of it by similarity, ``[N, n, d]``."""
    scores = nodes @ statement.memory.transpose(1, 2) * nodes.size(-1) ** -0.5
    return masked_softmax(scores, statement.memory_mask[:, None]).to(nodes.dtype) @ statement.memory


@MODELS.register_module()
class LocalInteractionGraph(nn.Module):
    """Hierarchy 1: frames and words of one segment exchange, and read the statement.

    Every frame and word reads the events and atoms of the statement by similarity, which conditions the layers.

    Args:
        dim: d.
        heads: Heads of the attention.
        layers: Layers; 0 leaves the means of frames and words alone.
        adaptive: Whether the statement conditions the graph.
        topk: Edges of a node at most; all by default.
        cross_modal: Whether there are edges between frames and words.
        dropout: Dropout of the layers.
    """

    def __init__(
        self,
        dim: int = 256,
        heads: int = 8,
        layers: int = 1,
        adaptive: bool = True,
        topk: Optional[int] = None,
        cross_modal: bool = True,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.adaptive, self.cross_modal = adaptive, cross_modal
        self.layers = nn.ModuleList(
            RelationalGraphLayer(dim, _LOCAL_ROLES, heads, dropout, conditional=adaptive, topk=topk)
            for _ in range(layers)
        )
        self.silent = nn.Parameter(0.02 * torch.randn(dim))

    def forward(
        self, premise: Premise, statement: Optional[Statement] = None, cross_modal: Optional[bool] = None
    ) -> Tuple[Tensor, Tensor]:
        """States of sight and words of each segment, ``[N, K, d]`` each; a segment without words has ``silent``.

        Args:
            premise: N clips.
            statement: N statements; ``None`` leaves the graph to itself.
            cross_modal: Other than the model is set to.
        """
        frames, words = premise.frames, premise.words
        nodes = torch.cat([frames, words], dim=2)
        mask = torch.cat([premise.frame_mask, premise.word_mask], dim=2)
        crosses = self.cross_modal if cross_modal is None else cross_modal
        sizes = frames.size(2), words.size(2)
        roles = _local_roles(*sizes, crosses, nodes.device)
        flat, flat_mask = nodes.flatten(0, 1), mask.flatten(0, 1)
        for layer in self.layers:
            condition = None
            if self.adaptive and statement is not None:
                condition = read_statement(flat.view_as(nodes).flatten(1, 2), statement).view_as(flat)
            flat = layer(flat, roles, flat_mask, condition, blocks=sizes)
        seen, said = flat.view_as(nodes).split(sizes, dim=2)
        video, text = masked_mean(seen, premise.frame_mask), masked_mean(said, premise.word_mask)
        is_silent = ~premise.word_mask.any(dim=2, keepdim=True)
        return video, torch.where(is_silent, self.silent.to(text.dtype), text)


@functools.lru_cache(maxsize=64)
def _local_roles(frames: int, words: int, cross_modal: bool, device: torch.device) -> Tensor:
    """Edges between frames, between words, from frames to words and back, ``[1, 4, n, n]``."""
    is_word = torch.arange(frames + words, device=device) >= frames
    kind = 2 * is_word[:, None].long() + is_word
    roles = torch.stack([kind == number for number in (0, 3, 1, 2)])
    roles[2:] &= cross_modal
    return roles[None]


class SegmentStates(NamedTuple):
    """What R events see of their clips of up to K segments.

    ``nodes [R, 2K, d]`` of sight, then words; ``evidence [R, 2K]``, sums to 1; ``seen [R, d]``, the mean of the nodes
    by it; ``place [R, 2]``, mean and variance of the time of the evidence, where the clip lasts from -1 to 1.
    """

    nodes: Tensor
    evidence: Tensor
    seen: Tensor
    place: Tensor


@MODELS.register_module()
class SegmentRelationGraph(nn.Module):
    """Hierarchy 2: sight and words of all segments of a clip exchange, once for each event of the statement.

    Edges go between all segments; their types tell the modalities and what comes before what. The event conditions the
    layers, then reads the evidence for it.

    Args:
        dim: d.
        heads: Heads of the attention.
        layers: Layers; 0 leaves the segments to themselves.
        adaptive: Whether the event conditions the graph. If not, all events of a clip share one graph.
        evidence: Whether the event chooses what it looks at; if not, it is the mean of all.
        topk: Edges of a node at most; all by default.
        positions: Rows of the table of times.
        dropout: Dropout of the layers.

    Raises:
        ValueError: a table of times without rows.
    """

    def __init__(
        self,
        dim: int = 256,
        heads: int = 8,
        layers: int = 2,
        adaptive: bool = True,
        evidence: bool = True,
        topk: Optional[int] = None,
        positions: int = 24,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if positions < 1:
            raise ValueError(f'positions {positions} must be at least 1')
        self.adaptive, self.positions = adaptive, positions
        self.layers = nn.ModuleList(
            RelationalGraphLayer(dim, _SEGMENT_ROLES, heads, dropout, conditional=adaptive, topk=topk)
            for _ in range(layers)
        )
        self.places = nn.Parameter(0.02 * torch.randn(positions, dim))
        self.query = nn.Linear(dim, dim) if evidence else None
        self.key = nn.Linear(dim, dim) if evidence else None
        if evidence:
            # At first an event looks for what is like it. From random maps it may learn to look away from what it
            # names: that decides as well whether something is missing, but later, and is no evidence.
            for part in (self.query, self.key):
                nn.init.eye_(part.weight)
                nn.init.zeros_(part.bias)

    def forward(self, video: Tensor, text: Tensor, premise: Premise, events: Tensor, clips: Tensor) -> SegmentStates:
        """Run R events over N clips.

        Args:
            video: States of sight, ``[N, K, d]``.
            text: States of words, ``[N, K, d]``.
            premise: The clips.
            events: ``[R, d]``.
            clips: The clip of each event, ``[R]``.
        """
        middle = premise.times.mean(dim=2).clamp(0, 1)
        places = self.places[(middle * self.positions).long().clamp(max=self.positions - 1)].to(video.dtype)
        mask = torch.cat([premise.has_video, premise.has_text], dim=1)
        nodes = torch.cat([video + places, text + places], dim=1) * mask[..., None]
        if self.adaptive:
            nodes, mask = nodes[clips], mask[clips]
        roles = _segment_roles(video.size(1), nodes.device)
        for layer in self.layers:
            nodes = layer(nodes, roles, mask, events[:, None] if self.adaptive else None)
        if not self.adaptive:
            nodes, mask = nodes[clips], mask[clips]
        evidence = self._evidence(nodes, events, mask)
        seen = (evidence[:, None].to(nodes.dtype) @ nodes)[:, 0]
        times = (2 * middle - 1).repeat(1, 2)[clips]
        mean = (evidence * times).sum(dim=1)
        variance = (evidence * (times - mean[:, None]).square()).sum(dim=1)
        return SegmentStates(nodes, evidence, seen, torch.stack([mean, variance], dim=1))

    def _evidence(self, nodes: Tensor, events: Tensor, mask: Tensor) -> Tensor:
        """Weights of the nodes, ``[R, 2K]`` in single precision; zeros where a clip has no node."""
        if self.query is None:
            return mask / mask.sum(dim=1, keepdim=True).clamp(min=1)
        scores = (self.key(nodes) @ self.query(events)[..., None])[..., 0] * nodes.size(-1) ** -0.5
        return masked_softmax(scores, mask)


@functools.lru_cache(maxsize=64)
def _segment_roles(count: int, device: torch.device) -> Tensor:
    """Edges of 15 types between sight and words of K segments, ``[1, 15, 2K, 2K]``.

    Within a modality: itself, next, previous, later, earlier; then the same five from sight to words, and back.
    """
    index = torch.arange(count, device=device)
    ahead = index - index[:, None]
    kinds = torch.stack([ahead == 0, ahead == 1, ahead == -1, ahead > 1, ahead < -1])
    empty = torch.zeros_like(kinds)
    within = torch.cat([torch.cat([kinds, empty], dim=2), torch.cat([empty, kinds], dim=2)], dim=1)
    to_words = torch.cat([torch.cat([empty, kinds], dim=2), torch.cat([empty, empty], dim=2)], dim=1)
    to_sight = torch.cat([torch.cat([empty, empty], dim=2), torch.cat([kinds, empty], dim=2)], dim=1)
    return torch.cat([within, to_words, to_sight])[None]


@MODELS.register_module()
class StatementReasoningGraph(nn.Module):
    """Hierarchy 3: the events of a statement, each with what it saw and when, exchange along the statement's own graph.

    The order of two events cannot be read from what they saw: with ``temporal_edges`` an event also gets, of each edge
    to another one, the product of the type of the edge and of the signed distance of their places in time.

    Args:
        dim: d.
        heads: Heads of the attention.
        layers: Layers; 0 leaves the events to themselves.
        temporal_edges: Whether edges know of the time between events.
        dropout: Dropout of the layers.
    """

    def __init__(
        self, dim: int = 256, heads: int = 8, layers: int = 2, temporal_edges: bool = True, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.compare = nn.Sequential(nn.Linear(4 * dim + 2, dim), nn.GELU(), nn.LayerNorm(dim))
        self.place, self.root = nn.Linear(2, dim), nn.Linear(dim, dim)
        self.edge_kinds = nn.Parameter(0.3 * torch.randn(NUM_STATEMENT_ROLES, dim)) if temporal_edges else None
        self.distance = nn.Linear(2, dim, bias=False) if temporal_edges else None
        self.temporal = nn.Linear(dim, dim) if temporal_edges else None
        xavier_linears(self)
        self.layers = nn.ModuleList(
            RelationalGraphLayer(dim, NUM_STATEMENT_ROLES, heads, dropout) for _ in range(layers)
        )

    def forward(self, statement: Statement, states: SegmentStates) -> Tensor:
        """Nodes of the statement and its events, ``[N, 1 + M, d]``; zero for padding.

        Args:
            statement: N statements.
            states: What their real events see, in the order of ``statement.rows``.
        """
        rows, mask = statement.rows, statement.event_mask
        events = statement.events[rows[:, 0], rows[:, 1]]
        place = states.place.to(events.dtype)
        seen = states.seen
        found = self.compare(torch.cat([events, seen, events * seen, (events - seen).abs(), place], dim=1))
        nodes = _scatter(found + self.place(place), rows, mask)
        if self.temporal is not None:
            nodes = nodes + self._temporal(_scatter(place, rows, mask)[..., 0], statement.roles[:, :, 1:, 1:], mask)
        nodes = torch.cat([self.root(statement.whole)[:, None], nodes], dim=1)
        whole_mask = torch.cat([mask.new_ones(len(mask), 1), mask], dim=1)
        for layer in self.layers:
            nodes = layer(nodes, statement.roles, whole_mask)
        return nodes

    def _temporal(self, places: Tensor, roles: Tensor, mask: Tensor) -> Tensor:
        """What events learn from the time between them, ``[N, M, d]``."""
        ahead = places[:, None] - places[:, :, None]
        distance = self.distance(torch.stack([ahead, ahead.abs()], dim=-1))
        # An edge of a node to itself says nothing of time: its distance is 0.
        kinds = torch.einsum('nrij,rd->nijd', roles.to(distance.dtype), self.edge_kinds.to(distance.dtype))
        return self.temporal((kinds * distance).sum(dim=2)) * mask[..., None]


def _scatter(values: Tensor, rows: Tensor, mask: Tensor) -> Tensor:
    """Values ``[R, d]`` of real events to ``[N, M, d]``, zero elsewhere."""
    found = values.new_zeros(*mask.shape, values.size(-1))
    return found.index_put((rows[:, 0], rows[:, 1]), values)
