"""From the words and the graph of a sentence to states of its event, actions and atoms."""

from typing import Optional

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from vlplugins.models.layers.graph_levels import GraphLevels
from vlplugins.models.layers.masked_lstm import MaskedBiLSTM
from vlplugins.models.layers.masked_softmax import masked_softmax
from vlplugins.models.layers.relational_graph import RelationalGraphLayer
from vlplugins.registry import MODELS
from vlplugins.structures.sentence_graph import NUM_ROLES
from vlplugins.utils.word_vectors import PAD_ID, read_word_vectors


@MODELS.register_module()
class QueryGraphEncoder(BaseModule):
    """Word vectors, a bidirectional LSTM, and graph layers with roles as types of edges.

    The event is pooled from all words by attention, an action is the mean of its words, an atom its word; each gets
    the embedding of its level. Context-free states are those of the mapped word vectors, before LSTM and graph layers.
    Word vectors are frozen by default: words that training never shows keep their place among the others.

    Args:
        word_vectors: File of word vectors, see :func:`read_word_vectors`.
        vocab_size: Number of ids, with those of padding and of unknown words, where there is no such file: the vectors
            are random.
        word_channels: Width of the vectors, where there is no file.
        dim: d.
        layers: Graph layers.
        heads: Heads of their attention.
        role_aware: Whether the roles of edges matter.
        freeze_words: Keep the word vectors.
        dropout: Of the words that enter the LSTM.
        graph_dropout: Of the graph layers.
        init_cfg: MMEngine initialisation.

    Raises:
        ValueError: both of ``word_vectors`` and ``vocab_size``, or neither.
        RecordError: as :func:`read_word_vectors`.
    """

    def __init__(
        self,
        word_vectors: Optional[str] = None,
        vocab_size: Optional[int] = None,
        word_channels: int = 300,
        dim: int = 512,
        layers: int = 2,
        heads: int = 8,
        role_aware: bool = True,
        freeze_words: bool = True,
        dropout: float = 0.2,
        graph_dropout: float = 0.1,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        if (word_vectors is None) == (vocab_size is None):
            raise ValueError(f'one of word_vectors={word_vectors!r} and vocab_size={vocab_size!r} must be given')
        if word_vectors is not None:
            table = torch.from_numpy(read_word_vectors(word_vectors)[1])
        else:
            table = torch.randn(vocab_size, word_channels)
            table[PAD_ID] = 0
        self.words = nn.Embedding.from_pretrained(table, freeze=freeze_words, padding_idx=PAD_ID)
        self.project = nn.Linear(table.size(1), dim)
        nn.init.xavier_uniform_(self.project.weight)
        nn.init.zeros_(self.project.bias)
        self.dropout = nn.Dropout(dropout)
        self.lstm = MaskedBiLSTM(dim, dim)
        self.pool = nn.Parameter(0.02 * torch.randn(dim))
        self.level_embed = nn.Parameter(0.02 * torch.randn(3, dim))
        self.layers = nn.ModuleList(
            [RelationalGraphLayer(dim, NUM_ROLES, heads, graph_dropout, role_aware) for _ in range(layers)]
        )

    def forward(
        self,
        tokens: Tensor,
        token_lengths: Tensor,
        action_spans: Tensor,
        atom_index: Tensor,
        node_mask: Tensor,
        roles: Tensor,
    ) -> GraphLevels:
        """Encode B queries, of up to N tokens, A actions and O atoms.

        Args:
            tokens: Ids ``[B, N]``.
            token_lengths: ``[B]``.
            action_spans: ``[B, A, N]``; a row is the share of each token in an action, and sums to 1.
            atom_index: Tokens ``[B, O]``.
            node_mask: Booleans ``[B, 1 + A + O]``.
            roles: Booleans ``[B, 33, 1 + A + O, 1 + A + O]``.
        """
        num_actions = action_spans.size(1)
        words = self.project(self.words(tokens))
        states = self.lstm(self.dropout(words), token_lengths)
        real = torch.arange(tokens.size(1), device=tokens.device) < token_lengths[:, None]
        weights = masked_softmax(states @ self.pool * states.size(-1) ** -0.5, real).to(states.dtype)
        event = (weights[:, None] @ states) + self.level_embed[0]
        actions, atoms = self._nodes(states, action_spans, atom_index)
        nodes = torch.cat([event, actions, atoms], dim=1) * node_mask[..., None]
        for layer in self.layers:
            nodes = layer(nodes, roles, node_mask)
        reasoned = dict(event=nodes[:, :1], action=nodes[:, 1 : 1 + num_actions], atom=nodes[:, 1 + num_actions :])
        masks = dict(
            event=node_mask[:, :1], action=node_mask[:, 1 : 1 + num_actions], atom=node_mask[:, 1 + num_actions :]
        )
        free = dict(zip(('action', 'atom'), self._nodes(words, action_spans, atom_index)))
        context_free = {level: each * masks[level][..., None] for level, each in free.items()}
        return GraphLevels(reasoned, context_free, masks)

    def _nodes(self, words: Tensor, action_spans: Tensor, atom_index: Tensor) -> tuple:
        """Actions ``[B, A, d]`` and atoms ``[B, O, d]`` of words ``[B, N, d]``."""
        actions = action_spans.to(words.dtype) @ words + self.level_embed[1]
        atoms = words.gather(1, atom_index[..., None].expand(-1, -1, words.size(-1))) + self.level_embed[2]
        return actions, atoms
