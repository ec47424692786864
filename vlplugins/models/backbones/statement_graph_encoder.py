"""States of a statement, of its events, and of what they claim."""

from typing import Dict

import torch
from torch import Tensor, nn

from vlplugins.models.layers.inference_states import Statement
from vlplugins.models.layers.masked_lstm import MaskedBiLSTM
from vlplugins.models.layers.relational_graph import RelationalGraphLayer
from vlplugins.registry import MODELS
from vlplugins.structures.sentence_graph import ROLES, SELF_ROLE
from vlplugins.structures.statement_graph import NUM_STATEMENT_ROLES, STATEMENT_ROLES


@MODELS.register_module()
class StatementGraphEncoder(nn.Module):
    """A BiLSTM over the words, and attention along the edges of the statement's graph.

    An event is the mean of the states of its verb, plus the mean of its words and atoms as they are without context,
    plus a vector where it is negated; an atom is its word without context.

    Args:
        dim: d.
        heads: Heads of the attention.
        layers: Layers of the graph.
        structure: Whether the graph is used. Without it, the statement is one event, whose atoms are all its words.
        dropout: Dropout of the layers.
    """

    def __init__(
        self, dim: int = 256, heads: int = 8, layers: int = 1, structure: bool = True, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.structure = structure
        self.context = MaskedBiLSTM(dim, dim)
        self.negation = nn.Parameter(torch.zeros(2, dim)) if structure else None
        if structure:
            nn.init.normal_(self.negation, std=0.02)
        self.layers = nn.ModuleList(
            RelationalGraphLayer(dim, NUM_STATEMENT_ROLES, heads, dropout) for _ in range(layers)
        )

    def forward(self, words: Tensor, graph: Dict[str, Tensor]) -> Statement:
        """Encode N statements of up to L words.

        Args:
            words: Words without context, ``[N, L, d]``.
            graph: ``token_mask [N, L]``, and of the graphs what :func:`pad_statements` gives.
        """
        mask = graph['token_mask']
        states = self.context(words, mask.sum(dim=1))
        whole = states.sum(dim=1) / mask.sum(dim=1, keepdim=True)
        if self.structure:
            events = graph['event_spans'] @ states + graph['event_words'] @ words
            events = events + self.negation[graph['negated'].long()]
            found = torch.cat([whole[:, None], events, graph['atom_spans'] @ words], dim=1)
            node_mask, roles, rows = graph['node_mask'], graph['roles'], graph['event_rows']
            count = events.size(1)
        else:
            found = torch.cat([whole[:, None], whole[:, None], words], dim=1)
            node_mask = torch.cat([mask.new_ones(len(mask), 2), mask], dim=1)
            roles, count = self._roles_without_structure(node_mask), 1
            rows = torch.arange(len(words), device=words.device)
            rows = torch.stack([rows, torch.zeros_like(rows)], dim=1)
        found = found * node_mask[..., None]
        for layer in self.layers:
            found = layer(found, roles, node_mask)
        edges = roles[:, :, : 1 + count, : 1 + count]
        return Statement(
            found[:, 0], found[:, 1 : 1 + count], node_mask[:, 1 : 1 + count], rows, found[:, 1:], node_mask[:, 1:],
            edges,
        )  # fmt: skip

    @staticmethod
    def _roles_without_structure(mask: Tensor) -> Tensor:
        """Edges between the statement and its one event, and of nodes to themselves."""
        size = mask.size(1)
        roles = mask.new_zeros(len(mask), NUM_STATEMENT_ROLES, size, size)
        event = ROLES.index('EVT')
        roles[:, event, 0, 1] = roles[:, STATEMENT_ROLES.index('EVT-inverse'), 1, 0] = True
        roles[:, SELF_ROLE] = torch.diag_embed(mask)
        return roles
