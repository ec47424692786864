"""The graph of a statement that is to be judged: its events, what they claim, and how they hang together."""

from dataclasses import dataclass
from typing import Any, Dict, List, NamedTuple, Sequence, Tuple

import numpy as np

from vlplugins.structures.sentence_graph import ROLES, SELF_ROLE, SentenceGraph

# How one event hangs on another. Those of one line are each other's inverse, or their own.
CONNECTIVES = ('BEFORE', 'AFTER', 'WHILE', 'CAUSE', 'COND', 'THEN', 'AND', 'BUT', 'COREF')
# Roles of a sentence graph keep their numbers; behind them come those between events.
BETWEEN_EVENTS = (
    'BEFORE', 'AFTER', 'WHILE', 'CAUSE', 'CAUSE-inverse', 'COND', 'COND-inverse', 'THEN', 'THEN-inverse', 'AND', 'BUT',
    'COREF', 'SHARE',
)  # fmt: skip
STATEMENT_ROLES = (*ROLES, *(f'{role}-inverse' for role in ROLES), 'SELF', *BETWEEN_EVENTS)
NUM_STATEMENT_ROLES = len(STATEMENT_ROLES)
SHARE_ROLE = STATEMENT_ROLES.index('SHARE')
_INVERSE = dict(BEFORE='AFTER', AFTER='BEFORE', CAUSE='CAUSE-inverse', COND='COND-inverse', THEN='THEN-inverse')

Connective = Tuple[int, int, str]


class StatementArrays(NamedTuple):
    """A statement of M events and A atoms over N tokens as arrays; nodes are numbered root, events, atoms.

    ``event_spans``: float32 ``[M, N]``, rows sum to 1: the verb with its particles. ``event_words``: float32
    ``[M, N]``, rows sum to 1: the same and the atoms of the event. ``atom_spans``: float32 ``[A, N]``, rows sum to 1.
    ``negated``: float32 ``[M]``. ``edges``: int64 ``[E, 3]``: source, target and number in ``STATEMENT_ROLES``, with
    all inverses and the edges of nodes to themselves.
    """

    event_spans: np.ndarray
    event_words: np.ndarray
    atom_spans: np.ndarray
    negated: np.ndarray
    edges: np.ndarray


@dataclass(frozen=True)
class StatementGraph:
    """A :class:`SentenceGraph` whose actions are events, with what joins them.

    Attributes:
        sentence: The graph of words; its edges NEXT between actions are told by ``connectives`` more precisely.
        negated: 0 or 1 for each event.
        connectives: ``(event, event, role)``, roles of ``CONNECTIVES``, from the head event to the dependent one:
            "A before B" is ``(A, B, 'BEFORE')``.
    """

    sentence: SentenceGraph
    negated: List[int]
    connectives: List[Connective]

    def __deepcopy__(self, memo: Dict[int, Any]) -> 'StatementGraph':
        """Itself, as :class:`SentenceGraph`."""
        return self

    @classmethod
    def from_dict(cls, content: Dict[str, Any]) -> 'StatementGraph':
        """A graph from what JSON holds.

        Raises:
            ValueError: a field is missing or does not fit the others; the message names it.
        """
        missing = [name for name in ('events', 'connectives') if name not in content]
        if missing:
            raise ValueError(f'the field {missing[0]!r} is missing')
        negated = [event['negated'] for event in content['events']]
        graph = cls(SentenceGraph.from_dict(content), negated, [tuple(each) for each in content['connectives']])
        graph.check()
        return graph

    def to_dict(self) -> Dict[str, Any]:
        """Plain lists, for JSON; the spans and atoms of events are written for readers, and follow from the rest."""
        events = [
            dict(span=span, atoms=atoms, negated=negated)
            for span, atoms, negated in zip(self.sentence.actions, self.atoms_of_events(), self.negated)
        ]
        return dict(self.sentence.to_dict(), events=events, connectives=[list(each) for each in self.connectives])

    @property
    def tokens(self) -> List[str]:
        """Surface forms in lower case."""
        return self.sentence.tokens

    def check(self) -> None:
        """Raise ``ValueError`` where events or roles do not exist."""
        count = len(self.sentence.actions)
        if not count:
            raise ValueError('events has none; expected at least one')
        if len(self.negated) != count or not set(self.negated) <= {0, 1}:
            raise ValueError(f'events has negated {self.negated}; expected 0 or 1 for each of {count}')
        for edge in self.connectives:
            if len(edge) != 3 or edge[2] not in CONNECTIVES:
                raise ValueError(f'connectives has {list(edge)}; roles are {CONNECTIVES}')
            if not all(isinstance(index, int) and 0 <= index < count for index in edge[:2]) or edge[0] == edge[1]:
                raise ValueError(f'connectives has {list(edge)}, but there are {count} events')

    def truncate(self, max_tokens: int, max_events: int, max_atoms: int) -> 'StatementGraph':
        """Without the last tokens, events and atoms, and their edges; as :meth:`SentenceGraph.truncate`."""
        kept = [index for index, span in enumerate(self.sentence.actions) if span[0] < max_tokens][:max_events]
        place = {old: new for new, old in enumerate(kept)}
        connectives = [(place[i], place[j], role) for i, j, role in self.connectives if i in place and j in place]
        sentence = self.sentence.truncate(max_tokens, max_events, max_atoms)
        return StatementGraph(sentence, [self.negated[index] for index in kept], connectives)

    def atoms_of_events(self) -> List[List[int]]:
        """Numbers of the atoms of each event, those that are reached through others too."""
        return _owned(self.sentence.to_arrays().parents)

    def to_arrays(self) -> StatementArrays:
        """The graph as arrays, see :class:`StatementArrays`."""
        found = self.sentence.to_arrays()
        owned = _owned(found.parents)
        count = len(self.sentence.tokens)
        words = np.zeros((len(owned), count), dtype=np.float32)
        for row, span, atoms in zip(words, self.sentence.actions, owned):
            row[[*span, *(self.sentence.atoms[atom] for atom in atoms)]] = 1
        atoms = np.zeros((len(self.sentence.atoms), count), dtype=np.float32)
        atoms[np.arange(len(atoms)), self.sentence.atoms] = 1
        return StatementArrays(
            found.action_spans,
            words / words.sum(axis=1, keepdims=True),
            atoms,
            np.array(self.negated, dtype=np.float32),
            self._edges(found.edges, owned),
        )

    def _edges(self, edges: np.ndarray, owned: Sequence[Sequence[int]]) -> np.ndarray:
        """All edges with their inverses; NEXT gives way to the connectives."""
        plain = edges[edges[:, 2] != ROLES.index('NEXT')]
        inverse = plain[:, [1, 0, 2]] + [0, 0, len(ROLES)]
        rows = [*plain.tolist(), *inverse.tolist()]
        for i, j, role in self.connectives:
            rows.append([1 + i, 1 + j, STATEMENT_ROLES.index(role)])
            rows.append([1 + j, 1 + i, STATEMENT_ROLES.index(_INVERSE.get(role, role))])
        for i, first in enumerate(owned):
            rows += [[1 + i, 1 + j, SHARE_ROLE] for j, other in enumerate(owned) if i != j and set(first) & set(other)]
        nodes = 1 + len(owned) + len(self.sentence.atoms)
        rows += [[node, node, SELF_ROLE] for node in range(nodes)]
        return np.array(rows, dtype=np.int64)

    def kind_of_connectives(self) -> str:
        """``'none'``, ``'time'``, ``'cause'`` or ``'other'``, of the most telling connective."""
        roles = {role for _, _, role in self.connectives}
        groups = (('time', {'BEFORE', 'AFTER', 'WHILE', 'THEN'}), ('cause', {'CAUSE', 'COND'}), ('other', roles))
        return next((name for name, group in groups if roles & group), 'none')


def _owned(parents: np.ndarray) -> List[List[int]]:
    """The atoms of each action, of their shares ``[O, A]``."""
    return [np.flatnonzero(column).tolist() for column in parents.T]
