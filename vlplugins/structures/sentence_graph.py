"""The graph of a sentence: one event, its actions, and the words that take part in them."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Dict, List, NamedTuple, Sequence, Tuple

import numpy as np

# An edge r from i to j has the inverse r + 16 from j to i; a node has the edge 32 to itself.
ROLES = (
    'EVT', 'ARG0', 'ARG1', 'ARG2', 'LOC', 'DIR', 'TMP', 'MNR', 'COM', 'PRP', 'NEG', 'OTHER', 'MOD', 'NMOD', 'XCOMP',
    'NEXT',
)  # fmt: skip
SELF_ROLE = 2 * len(ROLES)
NUM_ROLES = SELF_ROLE + 1
LEVELS = ('event', 'action', 'atom')

Edge = Tuple[str, int, str, int, str]


class GraphArrays(NamedTuple):
    """A graph of A actions and O atoms over N tokens as arrays; nodes are numbered event, actions, atoms.

    ``action_spans``: float32 ``[A, N]``, rows sum to 1. ``atom_index``: int64 ``[O]``, a token each. ``edges``: int64
    ``[E, 3]``, source, target and role, without inverses. ``parents``: float32 ``[O, A]``, rows sum to 1, or are zero
    where no action reaches an atom. ``guide``: booleans ``[A + O]``, false for negations and adverbs of time, which
    show nowhere.
    """

    action_spans: np.ndarray
    atom_index: np.ndarray
    edges: np.ndarray
    parents: np.ndarray
    guide: np.ndarray


@dataclass(frozen=True)
class SentenceGraph:
    """Tokens of a sentence, and the graph over them.

    Attributes:
        tokens: Surface forms in lower case.
        lemmas: Lemma of each token.
        pos: Universal part of speech of each token.
        actions: For each action its tokens, the verb first: ``[[1, 2]]`` for "turns off".
        atoms: One token for each atom.
        edges: ``(level, index, level, index, role)``; levels are 'event', 'action' and 'atom', indices count within
            their level.
    """

    tokens: List[str]
    lemmas: List[str]
    pos: List[str]
    actions: List[List[int]]
    atoms: List[int]
    edges: List[Edge]

    def __deepcopy__(self, memo: Dict[int, Any]) -> 'SentenceGraph':
        """Itself, as nothing changes it: samples copy their meta information several times on the way to a model."""
        return self

    @classmethod
    def from_dict(cls, content: Dict[str, Any]) -> 'SentenceGraph':
        """A graph from what JSON holds.

        Raises:
            ValueError: a field is missing or does not fit the others; the message names it.
        """
        names = [field.name for field in fields(cls)]
        missing = [name for name in names if name not in content]
        if missing:
            raise ValueError(f'the field {missing[0]!r} is missing')
        graph = cls(*(content[name] for name in names[:-1]), edges=[tuple(edge) for edge in content['edges']])
        graph.check()
        return graph

    def to_dict(self) -> Dict[str, Any]:
        """Plain lists, for JSON."""
        content = asdict(self)
        content['edges'] = [list(edge) for edge in self.edges]
        return content

    def check(self) -> None:
        """Raise ``ValueError`` where indices, levels or roles do not exist."""
        count = len(self.tokens)
        if not count == len(self.lemmas) == len(self.pos):
            raise ValueError(f'lemmas and pos have {len(self.lemmas)} and {len(self.pos)} entries for {count} tokens')
        places = dict(actions=[place for span in self.actions for place in span], atoms=list(self.atoms))
        for name, indices in places.items():
            wrong = [index for index in indices if not 0 <= index < count]
            if wrong:
                raise ValueError(f'{name} has the token {wrong[0]} of {count}')
        if not all(self.actions):
            raise ValueError('actions has one without tokens')
        sizes = dict(event=1, action=len(self.actions), atom=len(self.atoms))
        for edge in self.edges:
            if len(edge) != 5 or edge[4] not in ROLES:
                raise ValueError(f'edges has {list(edge)}; roles are {ROLES}')
            for level, index in (edge[:2], edge[2:4]):
                if level not in sizes or not 0 <= index < sizes[level]:
                    raise ValueError(f'edges has {list(edge)}, but there are {sizes}')

    def truncate(self, max_tokens: int, max_actions: int, max_atoms: int) -> 'SentenceGraph':
        """Without the last tokens, and without nodes whose head token is gone or that are too many, and their edges."""
        actions = [index for index, span in enumerate(self.actions) if span[0] < max_tokens][:max_actions]
        atoms = [index for index, token in enumerate(self.atoms) if token < max_tokens][:max_atoms]
        places = dict(event={0: 0}, action=_places(actions), atom=_places(atoms))
        edges = [
            (a, places[a][i], b, places[b][j], role)
            for a, i, b, j, role in self.edges
            if i in places[a] and j in places[b]
        ]
        spans = [[token for token in self.actions[index] if token < max_tokens] for index in actions]
        rest = [self.atoms[index] for index in atoms]
        words = (each[:max_tokens] for each in (self.tokens, self.lemmas, self.pos))
        return SentenceGraph(*words, spans, rest, edges)

    def to_arrays(self) -> GraphArrays:
        """The graph as arrays, see :class:`GraphArrays`."""
        first = dict(event=0, action=1, atom=1 + len(self.actions))
        edges = [(first[a] + i, first[b] + j, ROLES.index(role)) for a, i, b, j, role in self.edges]
        spans = np.zeros((len(self.actions), len(self.tokens)), dtype=np.float32)
        for row, tokens in zip(spans, self.actions):
            row[tokens] = 1 / len(tokens)
        guide = np.ones(len(self.actions) + len(self.atoms), dtype=bool)
        for _, _, level, index, role in self.edges:
            if level == 'atom' and (role == 'NEG' or (role == 'TMP' and self.pos[self.atoms[index]] == 'ADV')):
                guide[len(self.actions) + index] = False
        return GraphArrays(
            spans,
            np.array(self.atoms, dtype=np.int64),
            np.array(edges, dtype=np.int64).reshape(-1, 3),
            self._parents(),
            guide,
        )

    def _parents(self) -> np.ndarray:
        reached = np.zeros((len(self.atoms), len(self.actions)), dtype=np.float32)
        above: Dict[int, List[int]] = {}
        for level, index, other, child, _ in self.edges:
            if level == 'action' and other == 'atom':
                reached[child, index] = 1
            elif level == other == 'atom':
                above.setdefault(child, []).append(index)
        # An atom that is reached through another atom alone has the actions of that one; a chain takes some rounds.
        for _ in range(len(self.atoms)):
            new = {
                child: reached[heads].max(axis=0)
                for child, heads in above.items()
                if not reached[child].any() and reached[heads].any()
            }
            if not new:
                break
            for child, row in new.items():
                reached[child] = row
        return reached / reached.sum(axis=1, keepdims=True).clip(min=1)


def _places(kept: Sequence[int]) -> Dict[int, int]:
    return {old: new for new, old in enumerate(kept)}
