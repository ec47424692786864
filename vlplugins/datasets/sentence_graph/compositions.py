"""Compositions of two words in a parsed sentence, as compositional splits count them."""

from typing import Any, Iterator, Sequence, Set, Tuple

# Verb and noun, verb and adverb (or preposition, or particle), preposition and noun, two nouns, adjective and noun.
COMPOSITION_TYPES = ('v-n', 'v-adv', 'p-n', 'n-n', 'a-n')
_NOUNS = ('NOUN', 'PROPN')

Composition = Tuple[str, str, str]
Word = Tuple[str, str]


def compositions_of(tokens: Sequence[Any], include_subject: bool = False) -> Set[Composition]:
    """``(type, first lemma, second lemma)`` of the relations of a sentence.

    A relation is one of the dependencies, not of standing in one sentence: v-n are a verb and its object, or the object
    of its preposition; v-adv a verb and its adverb, particle or preposition; p-n a preposition and its object; n-n a
    compound and its head; a-n an adjective and its noun. (The rules are inferred from the released files of
    Charades-CG: Li et al., CVPR 2022.)

    Args:
        tokens: Tokens of spaCy, or objects with the same ``lemma_, pos_, dep_, head``.
        include_subject: Also count a verb and its subject as v-n.
    """
    return {
        (kind, first.lemma_.lower(), second.lemma_.lower())
        for token in tokens
        for kind, first, second in _relations(token, include_subject)
    }


def words_of(tokens: Sequence[Any]) -> Set[Word]:
    """``(lemma, part of speech)`` of the words of a sentence that are letters."""
    return {(token.lemma_.lower(), token.pos_) for token in tokens if token.lemma_.isalpha()}


def _relations(token: Any, include_subject: bool) -> Iterator[Tuple[str, Any, Any]]:
    head, dependency, is_noun = token.head, token.dep_, token.pos_ in _NOUNS
    if head.pos_ == 'VERB':
        objects = ('dobj', 'obj', 'dative', *(('nsubj', 'nsubjpass') if include_subject else ()))
        if is_noun and dependency in objects:
            yield 'v-n', head, token
        if (dependency == 'advmod' and token.pos_ == 'ADV') or dependency in ('prt', 'prep'):
            yield 'v-adv', head, token
    if dependency == 'pobj' and head.pos_ in ('ADP', 'SCONJ'):
        yield 'p-n', head, token
        if is_noun and head.head.pos_ == 'VERB':
            yield 'v-n', head.head, token
    if head.pos_ in _NOUNS:
        if dependency == 'compound':
            yield 'n-n', token, head
        if dependency == 'amod' and token.pos_ == 'ADJ':
            yield 'a-n', token, head
