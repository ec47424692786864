"""Noun phrases of captions, as spans of characters."""

import re
from typing import List, Sequence, Tuple

from vlplugins.datasets.sentence_graph.parser import SpacySentenceParser
from vlplugins.registry import TASK_UTILS

Span = Tuple[int, int]

_WORD = re.compile(r"[A-Za-z0-9]+(?:['-][A-Za-z0-9]+)*|[^\w\s]")
_DETERMINERS = frozenset(
    'a an the this that these those some any each every another his her its their our my your no several many both '
    'few all'.split()
)
_NUMBERS = frozenset('one two three four five six seven eight nine ten eleven twelve dozen'.split())
_COLOURS = frozenset(
    'red green blue yellow purple cyan orange black white gray grey brown pink golden silver dark light bright '
    'beige tan maroon turquoise colorful colourful'.split()
)
_ADJECTIVES = frozenset(
    'big small large little tall short long young old new wooden plain striped spotted empty full open closed wet dry '
    'hot cold clean dirty beautiful pretty happy other different same various several left right upper lower front '
    'back top bottom round square flat thin thick wide narrow male female blond blonde bald busy heavy fresh ripe raw '
    'double single high low deep shallow sunny cloudy snowy rainy sandy grassy rocky'.split()
)
_ADJECTIVE_ENDS = ('ful', 'ous', 'ish', 'ive', 'less', 'able', 'ible', 'shaped', 'colored', 'coloured', 'sized')
# Words that end a phrase: what is neither in these lists nor an adjective is taken for a noun.
_OTHERS = frozenset(
    'is are was were be been being am has have had do does did can could will would shall should may might must '
    'and or but nor so yet while as than then that which who whom whose what when where why how if because there here '
    'he she it they we i you him them us me himself herself itself themselves '
    'in on at by for from to into onto upon over under above below beneath behind beside besides between among near '
    'with without within of off up down out through across along around about against toward towards during before '
    'after next inside outside past not very too also just only still together away '
    'sits stands walks runs rides holds wears looks plays eats sitting standing walking running riding holding wearing '
    'looking playing eating lying laying flying driving jumping watching talking smiling hanging parked seen shown '
    'made filled covered surrounded sit stand walk run ride hold wear look play eat get gets getting take takes taking '
    'carry carries carrying using uses use show shows'.split()
)
_VERB_ENDS = ('ing',)
_NOUNS_IN_ING = frozenset('building ceiling clothing king ring wing string railing painting morning evening'.split())


@TASK_UTILS.register_module()
class RuleNounPhraseChunker:
    """Noun phrases by word lists and endings: ``determiner? (adjective | number | colour)* noun+``.

    No download, and no parse: verbs that the lists lack are taken for nouns. For captions of few words;
    :class:`SpacyNounPhraseChunker` parses.

    Args:
        attach_pp: Prepositions by which two adjacent phrases become one: ``('in', 'with', 'of')`` gives
            "a girl in a blue coat".
        ignore: Phrases whose last word is one of these are left out: they name no thing in the picture.
    """

    def __init__(
        self,
        attach_pp: Sequence[str] = (),
        ignore: Sequence[str] = ('picture', 'photo', 'photograph', 'image', 'view', 'front', 'side', 'top', 'middle'),
    ) -> None:
        self.attach_pp, self.ignore = frozenset(attach_pp), frozenset(ignore)

    def __call__(self, caption: str) -> List[Span]:
        """Start and exclusive end of each phrase, in characters, in order."""
        words = [(found.group().lower(), found.start(), found.end()) for found in _WORD.finditer(caption)]
        found: List[Tuple[int, int]] = []
        place = 0
        while place < len(words):
            end, noun = self._phrase(words, place)
            if noun is not None:
                found.append((place, end))
            place = max(end, place + 1)
        spans = [(first, last) for first, last in found if words[last - 1][0] not in self.ignore]
        return [(words[first][1], words[last - 1][2]) for first, last in self._attached(words, spans)]

    @staticmethod
    def _phrase(words: List[Tuple[str, int, int]], place: int) -> Tuple[int, object]:
        """Exclusive end of what begins at ``place``, and its last noun, or ``None`` for what is no phrase."""
        end, noun = place, None
        if words[end][0] in _DETERMINERS:
            end += 1
        while end < len(words) and noun is None and _is_modifier(words[end][0]):
            end += 1
        while end < len(words) and _is_noun(words[end][0]):
            noun = words[end][0]
            end += 1
        return end, noun

    def _attached(self, words: List[Tuple[str, int, int]], spans: List[Span]) -> List[Span]:
        joined: List[Span] = []
        for first, last in spans:
            between = words[joined[-1][1]][0] if joined and joined[-1][1] == first - 1 else None
            if between in self.attach_pp:
                joined[-1] = (joined[-1][0], last)
            else:
                joined.append((first, last))
        return joined


def _is_modifier(word: str) -> bool:
    return word in _NUMBERS or word in _COLOURS or word in _ADJECTIVES or word.isdigit() or _ends_as_adjective(word)


def _ends_as_adjective(word: str) -> bool:
    return len(word) > 5 and word.endswith(_ADJECTIVE_ENDS)


def _is_noun(word: str) -> bool:
    if not word[0].isalpha() or word in _OTHERS or word in _DETERMINERS or _is_modifier(word):
        return False
    return word in _NOUNS_IN_ING or not (len(word) > 4 and word.endswith(_VERB_ENDS))


@TASK_UTILS.register_module()
class SpacyNounPhraseChunker(SpacySentenceParser):
    """Base noun phrases of a parse by spaCy; pronouns are left out. Arguments as :class:`SpacySentenceParser`."""

    def __call__(self, caption: str) -> List[Span]:
        """Start and exclusive end of each phrase, in characters, in order."""
        chunks = self._load()(caption).noun_chunks
        return [(chunk.start_char, chunk.end_char) for chunk in chunks if chunk.root.pos_ != 'PRON']
