"""From the dependencies of a statement to its events, and to what joins them."""

from typing import Any, Dict, List, Optional, Sequence, Tuple

from vlplugins.datasets.sentence_graph.rules import graph_of, is_action
from vlplugins.structures.sentence_graph import SentenceGraph
from vlplugins.structures.statement_graph import Connective, StatementGraph

_WORDS = dict(
    BEFORE='before until till',
    AFTER='after once since',
    WHILE='while as when during',
    CAUSE='because so therefore due cause',
    COND='if unless',
    THEN='then next finally afterwards',
    BUT='but although though however yet',
)
_ROLE_OF_WORD = {word: role for role, words in _WORDS.items() for word in words.split()}
_BETWEEN = ('advcl', 'conj', 'ccomp', 'xcomp')
_SUBJECTS = ('nsubj', 'nsubjpass', 'csubj')
_PRONOUNS = {'he', 'she', 'they', 'it', 'his', 'her', 'him', 'them', 'its', 'their'}
SPEECH = frozenset(
    'say tell ask talk explain think want believe know promise reply answer shout suggest admit claim mention'.split()
)


def statement_graph_of(tokens: Sequence[Any], coref: bool = True) -> StatementGraph:
    """The graph of a parsed statement.

    Events are the actions of :func:`graph_of`. A clause or conjunct hangs on its head by the role of its connective:
    "A before B" and "Before B, A" give ``(A, B, 'BEFORE')``; a plain "and" of two verbs with one subject is THEN, of
    others AND. Verbs of saying keep their complement as an event of its own, by XCOMP. A pronoun joins the events that
    it is in by COREF to those of the nearest noun before it that acts in one.

    Args:
        tokens: As in :func:`graph_of`.
        coref: Whether pronouns are resolved.
    """
    tokens = list(tokens)
    sentence = graph_of(tokens)
    first = tokens[0].i if tokens else 0
    event_of = {first + span[0]: number for number, span in enumerate(sentence.actions)}
    negated = [int(any(child.dep_ == 'neg' for child in _token(tokens, head).children)) for head in event_of]
    connectives = dict.fromkeys(_connectives(tokens, event_of))
    if coref:
        connectives.update(dict.fromkeys(_coreferences(sentence)))
    return StatementGraph(sentence, negated, list(connectives))


def _token(tokens: Sequence[Any], index: int) -> Any:
    return tokens[index - tokens[0].i]


def _connectives(tokens: Sequence[Any], event_of: Dict[int, int]) -> List[Connective]:
    found = []
    for token in tokens:
        if token.i not in event_of or token.dep_ not in _BETWEEN or not is_action(token):
            continue
        head = token.head
        # A clause may hang on an adjective or noun of an event: "is sure that", "the day when".
        while head.i not in event_of and head.head is not head:
            head = head.head
        # Complements are told by XCOMP among the edges.
        role = None if token.dep_ in ('ccomp', 'xcomp') else _role_of(token, token.head)
        if role and head.i in event_of and head is not token:
            found.append((event_of[head.i], event_of[token.i], role))
    return found + _prepositions(tokens, event_of)


def _prepositions(tokens: Sequence[Any], event_of: Dict[int, int]) -> List[Connective]:
    """ "Before leaving" hangs on its head through the preposition."""
    found = []
    for token in tokens:
        middle = token.head
        if token.i in event_of and token.dep_ == 'pcomp' and middle.head.i in event_of:
            role = _ROLE_OF_WORD.get(middle.text.lower())
            if role:
                found.append((event_of[middle.head.i], event_of[token.i], role))
    return found


def _role_of(token: Any, head: Any) -> Optional[str]:
    """The role of a clause or conjunct, by the first connective in it, else that before it."""
    marks = [child for child in token.children if child.dep_ in ('mark', 'advmod', 'prep', 'cc') and child.i < token.i]
    if token.dep_ == 'conj':
        between = [child for child in head.children if child.dep_ in ('cc', 'advmod') and head.i < child.i < token.i]
        marks = [*marks, *between]
    for mark in marks:
        role = _ROLE_OF_WORD.get(mark.text.lower())
        if role:
            return role
    if token.dep_ == 'conj':
        return 'THEN' if _same_subject(token, head) else 'AND'
    return 'AND' if token.dep_ == 'advcl' else None


def _same_subject(token: Any, head: Any) -> bool:
    own = [child for child in token.children if child.dep_ in _SUBJECTS]
    others = [child for child in head.children if child.dep_ in _SUBJECTS]
    return not own or bool(others and own[0].lemma_.lower() == others[0].lemma_.lower())


def _coreferences(sentence: SentenceGraph) -> List[Connective]:
    events_of: Dict[int, List[Tuple[int, str]]] = {}
    for level, event, other, atom, role in sentence.edges:
        if level == 'action' and other == 'atom':
            events_of.setdefault(atom, []).append((event, role))
    parents = sentence.to_arrays().parents
    subjects = [atom for atom, owners in events_of.items() if any(role == 'ARG0' for _, role in owners)]
    found = []
    for atom, token in enumerate(sentence.atoms):
        if sentence.tokens[token] not in _PRONOUNS:
            continue
        before = [
            each
            for each in subjects
            if sentence.atoms[each] < token and sentence.pos[sentence.atoms[each]] in ('NOUN', 'PROPN')
        ]
        if before:
            nearest = max(before, key=lambda each: sentence.atoms[each])
            owners = [event for event in range(len(sentence.actions)) if parents[atom, event]]
            pairs = [(head, event) for head, _ in events_of[nearest] for event in owners if head != event]
            found += [(head, event, 'COREF') for head, event in pairs if (event, head, 'COREF') not in found]
    return found
