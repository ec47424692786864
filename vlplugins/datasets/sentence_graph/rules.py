"""From the dependencies of a sentence to its graph of event, actions and atoms."""

from typing import Any, Dict, Iterator, List, Sequence, Tuple

from vlplugins.structures.sentence_graph import Edge, SentenceGraph

_PREPOSITIONS = dict(
    LOC='in on at under beside behind near inside over above below between around beneath atop by against outside '
    'underneath among',
    DIR='to into onto from out off through toward towards up down across along past away',
    TMP='after before during while until since then again now first next finally still already afterwards once when',
    PRP='for',
    COM='with',
)
_ROLE_OF_WORD = {word: role for role, words in _PREPOSITIONS.items() for word in words.split()}
_DIRECTIONS = {*_PREPOSITIONS['DIR'].split(), 'back', 'together', 'upstairs'}
_ROLE_OF_DEPENDENCY = {
    **dict.fromkeys(('nsubj', 'csubj'), 'ARG0'),
    **dict.fromkeys(('nsubjpass', 'dobj', 'obj'), 'ARG1'),
    **dict.fromkeys(('dative', 'iobj', 'attr', 'oprd', 'acomp'), 'ARG2'),
    'neg': 'NEG',
}
_ROLE_BETWEEN_ACTIONS = dict(xcomp='XCOMP', ccomp='XCOMP', advcl='NEXT', conj='NEXT')
_MODIFIERS = {'amod', 'nummod', 'compound', 'poss', 'nmod'}
_MODIFIER_POS = {'NOUN', 'PROPN', 'PRON', 'ADJ', 'ADV', 'NUM'}
_NO_NODE = {'DET', 'AUX', 'PUNCT', 'ADP', 'SPACE', 'CCONJ', 'SCONJ', 'SYM'}
_SUBJECTS = ('nsubj', 'nsubjpass')


def role_of_preposition(word: str) -> str:
    """LOC, DIR, TMP, PRP, COM or OTHER."""
    return _ROLE_OF_WORD.get(word.lower(), 'OTHER')


def role_of_adverb(word: str) -> str:
    """TMP, DIR or MNR."""
    word = word.lower()
    if _ROLE_OF_WORD.get(word) == 'TMP':
        return 'TMP'
    return 'DIR' if word in _DIRECTIONS else 'MNR'


def graph_of(tokens: Sequence[Any]) -> SentenceGraph:
    """The graph of a parsed sentence.

    Actions are verbs that are no auxiliaries or adjectives, and copulas; with their particle. Without one, the root is.
    Their arguments follow from dependencies, and for prepositional objects from the preposition; a preposition itself,
    determiners, auxiliaries and punctuation are no nodes. An action without a subject takes that of the action that it
    depends on. A token is one atom, however many actions it takes part in.

    Args:
        tokens: Tokens of spaCy, or objects with the same ``i, text, lemma_, pos_, dep_, head, children``.
    """
    return _Builder(list(tokens)).build()


def is_action(token: Any) -> bool:
    """Whether a token is the head of an action."""
    if token.pos_ == 'VERB':
        return token.dep_ not in ('aux', 'auxpass', 'amod')
    return token.pos_ == 'AUX' and token.dep_ not in ('aux', 'auxpass')


def objects_of(preposition: Any) -> Iterator[Any]:
    """Objects of a preposition, also through another one: "out of the fridge"."""
    for child in preposition.children:
        if child.dep_ == 'pobj':
            yield child
        elif child.dep_ == 'prep':
            yield from objects_of(child)


class _Builder:
    """Collects the nodes and edges of one sentence; nodes are named by their token until the end."""

    def __init__(self, tokens: List[Any]) -> None:
        self.tokens = tokens
        heads = [token for token in tokens if is_action(token)]
        self.heads = heads or [token for token in tokens if token.dep_ == 'ROOT'][:1]
        self.numbers = {token.i: number for number, token in enumerate(self.heads)}
        self.edges: Dict[Tuple[str, int, str, int, str], None] = {}
        self.atoms: set = set()

    def build(self) -> SentenceGraph:
        for head in self.heads:
            self._add_arguments(head)
            self._add_missing_subject(head)
        first = self.tokens[0].i if self.tokens else 0
        atoms = sorted(self.atoms)
        place = dict(action=self.numbers, atom={token: number for number, token in enumerate(atoms)})
        edges: List[Edge] = [('event', 0, 'action', number, 'EVT') for number in range(len(self.heads))]
        edges += sorted((a, place[a][i], b, place[b][j], role) for a, i, b, j, role in self.edges)
        spans = [
            [head.i - first, *(child.i - first for child in head.children if child.dep_ == 'prt')]
            for head in self.heads
        ]
        return SentenceGraph(
            tokens=[token.text.lower() for token in self.tokens],
            lemmas=[token.lemma_.lower() for token in self.tokens],
            pos=[token.pos_ for token in self.tokens],
            actions=spans,
            atoms=[atom - first for atom in atoms],
            edges=edges,
        )

    def _add_arguments(self, head: Any) -> None:
        for child in head.children:
            if child.i in self.numbers:
                role = _ROLE_BETWEEN_ACTIONS.get(child.dep_) or _ROLE_OF_DEPENDENCY.get(child.dep_)
                if role:
                    self.edges['action', head.i, 'action', child.i, role] = None
            elif child.dep_ in ('agent', 'prep') or (child.dep_ == 'dative' and child.pos_ == 'ADP'):
                role = dict(agent='ARG0', dative='ARG2').get(child.dep_) or role_of_preposition(child.text)
                for noun in objects_of(child):
                    self._add_argument(head, noun, role)
            elif child.dep_ == 'advmod':
                self._add_argument(head, child, role_of_adverb(child.text))
            elif child.dep_ in _ROLE_OF_DEPENDENCY:
                self._add_argument(head, child, _ROLE_OF_DEPENDENCY[child.dep_])

    def _add_missing_subject(self, head: Any) -> None:
        current = head
        while not any(child.dep_ in _SUBJECTS for child in current.children):
            if current.dep_ not in ('conj', 'xcomp', 'advcl') or current.head is current:
                return
            current = current.head
        if current is not head:
            subject = next(child for child in current.children if child.dep_ in _SUBJECTS)
            self._add_argument(head, subject, 'ARG0')

    def _add_argument(self, head: Any, token: Any, role: str) -> None:
        if token.i in self.numbers or token.pos_ in _NO_NODE:
            return
        self.edges['action', head.i, 'atom', token.i, role] = None
        self._add_atom(token)
        for child in token.children:
            if child.dep_ == 'conj':
                self._add_argument(head, child, role)

    def _add_atom(self, token: Any) -> None:
        if token.i in self.atoms:
            return
        self.atoms.add(token.i)
        for child in token.children:
            if child.dep_ in _MODIFIERS and child.pos_ in _MODIFIER_POS:
                self._add_between_atoms(token, child, 'MOD')
            elif child.dep_ == 'prep' and token.pos_ in ('NOUN', 'PROPN', 'PRON'):
                for noun in objects_of(child):
                    self._add_between_atoms(token, noun, 'NMOD')

    def _add_between_atoms(self, head: Any, token: Any, role: str) -> None:
        if token.i not in self.numbers and token.pos_ not in _NO_NODE:
            self.edges['atom', head.i, 'atom', token.i, role] = None
            self._add_atom(token)
