"""Building compositional splits of any set of videos, sentences and segments."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence, Set, Tuple

import numpy as np

from vlplugins.datasets.formats.compositional_annotations import SPLITS

Annotations = Dict[str, Dict[str, Any]]


class ParsedSentence(NamedTuple):
    """Words ``(lemma, part of speech)`` and compositions ``(type, lemma, lemma)`` of a sentence."""

    words: Set[Tuple[str, str]]
    compositions: Set[Tuple[str, str, str]]

    @property
    def lemmas(self) -> Set[str]:
        """Lemmas of the words."""
        return {lemma for lemma, _ in self.words}


@dataclass(frozen=True)
class SplitOptions:
    """What is held out.

    Attributes:
        num_words: Words that are drawn from the band of frequencies.
        num_compositions: Compositions that are drawn from it.
        min_frequency: Fewest sentences of what is drawn.
        max_frequency: Most sentences of what is drawn.
        rare: Also hold out words and compositions of one sentence, as long as the test videos are not too many.
        types: Types of compositions that count.
        max_test_fraction: Most of the videos that may become test videos.
        allow_overlap: A sentence with a new word and a new composition of known words is in both splits.
        seed: Seed of all random choices.
    """

    num_words: int = 5
    num_compositions: int = 20
    min_frequency: int = 5
    max_frequency: int = 100
    rare: bool = True
    types: Sequence[str] = ('v-n', 'v-adv', 'p-n', 'n-n', 'a-n')
    max_test_fraction: float = 0.45
    allow_overlap: bool = False
    seed: int = 0


@dataclass
class Splits:
    """Annotations of each split, and a count of what was done."""

    annotations: Dict[str, Annotations] = field(default_factory=lambda: {split: {} for split in SPLITS})
    report: Counter = field(default_factory=Counter)


def build_splits(annotations: Annotations, parsed: Dict[str, List[ParsedSentence]], options: SplitOptions) -> Splits:
    """Training, trivial, novel-composition and novel-word splits.

    Words and compositions are drawn and held out; videos with one of them become test videos, up to the given share
    (beyond it their sentences leave training); the words and relations of what stays in training decide in which split
    a sentence of a test video is. The steps follow Li et al. (CVPR 2022) as far as paper and files tell.

    Args:
        annotations: ``{video: {"sentences", "timestamps", "duration"}}``.
        parsed: The parsed sentences of each video.
        options: What is held out.

    Returns:
        The splits; their invariants have been checked, see :func:`check_splits`.
    """
    rng = np.random.default_rng(options.seed)
    parsed = {video: [_of_types(each, options.types) for each in found] for video, found in parsed.items()}
    words, pairs, test_videos = _hold_out(parsed, options, rng)
    splits = Splits()
    for video, record in annotations.items():
        if video in test_videos:
            continue
        for number, sentence in enumerate(parsed[video]):
            if sentence.lemmas & words or sentence.compositions & pairs:
                splits.report['sentences of training videos left out'] += 1
            else:
                _append(splits.annotations['train'], video, record, number)
    vocabulary, relations = _train_content(splits, annotations, parsed)
    for video in annotations:
        for number, sentence in enumerate(parsed[video] if video in test_videos else ()):
            for split, tags in _classify(sentence, vocabulary, relations, options.allow_overlap):
                _append(splits.annotations[split], video, annotations[video], number, tags)
    check_splits(splits, annotations, parsed, options.allow_overlap)
    return splits


def check_splits(
    splits: Splits, annotations: Annotations, parsed: Dict[str, List[ParsedSentence]], allow_overlap: bool = False
) -> None:
    """Check what makes the splits compositional.

    Raises:
        ValueError: a video in training and in a test; a new word that training has; a new composition of a word that
            training lacks, or that training has; a sentence of a test video in no split, or in two.
    """
    vocabulary, relations = _train_content(splits, annotations, parsed)
    tests = {split: splits.annotations[split] for split in SPLITS[1:]}
    shared = set(splits.annotations['train']) & {video for each in tests.values() for video in each}
    if shared:
        raise ValueError(f'the video {min(shared)} is in training and in a test')
    for record in tests['novel_word'].values():
        for lemma in (lemma for tags in record['news'] for lemmas in tags.values() for lemma in lemmas):
            if lemma in vocabulary:
                raise ValueError(f'the new word {lemma!r} is in training')
    for record in tests['novel_composition'].values():
        pairs = ((kind, *pair) for tags in record['novels'] for kind, found in tags.items() for pair in found)
        for kind, first, second in pairs:
            if not {first, second} <= vocabulary or (kind, first, second) in relations:
                raise ValueError(f'the composition {kind} {first!r}, {second!r} is not new, or has an unknown word')
    for video in {video for each in tests.values() for video in each}:
        _check_video(video, tests, len(annotations[video]['sentences']), allow_overlap)


def _check_video(video: str, tests: Dict[str, Annotations], count: int, allow_overlap: bool) -> None:
    numbers = Counter(number for each in tests.values() if video in each for number in each[video]['numbers'])
    twice = [number for number, times in numbers.items() if times > 1]
    if set(numbers) != set(range(count)) or (twice and not allow_overlap):
        raise ValueError(
            f'the sentences {dict(numbers)} of the test video {video}; each of {count} must be in one split'
        )


def _of_types(sentence: ParsedSentence, types: Sequence[str]) -> ParsedSentence:
    return ParsedSentence(sentence.words, {each for each in sentence.compositions if each[0] in types})


def _hold_out(
    parsed: Dict[str, List[ParsedSentence]], options: SplitOptions, rng: np.random.Generator
) -> Tuple[Set[str], Set[tuple], Set[str]]:
    """Held-out lemmas and compositions, and the test videos that follow from them."""
    videos_of: Dict[Any, List[str]] = {}
    for video, sentences in parsed.items():
        for sentence in sentences:
            for each in (*sentence.lemmas, *sentence.compositions):
                videos_of.setdefault(each, []).append(video)
    names = sorted(videos_of, key=str)
    lemmas, pairs = ([n for n in names if isinstance(n, kind)] for kind in (str, tuple))
    band = range(options.min_frequency, options.max_frequency + 1)
    words = set(_draw([n for n in lemmas if len(videos_of[n]) in band], options.num_words, rng))
    free = [n for n in pairs if len(videos_of[n]) in band and not words & set(n[1:])]
    held = set(_draw(free, options.num_compositions, rng))
    limit = int(options.max_test_fraction * len(parsed))
    candidates = sorted({video for each in (*words, *held) for video in videos_of[each]})
    test_videos = set(_draw(candidates, limit, rng))
    rare = [n for n in names if len(videos_of[n]) == 1] if options.rare else []
    for index in rng.permutation(len(rare)):
        name = rare[index]
        is_pair = isinstance(name, tuple)
        if (is_pair and words & set(name[1:])) or len(test_videos | {videos_of[name][0]}) > limit:
            continue
        test_videos.add(videos_of[name][0])
        (held if is_pair else words).add(name)
    return words, {each for each in held if not words & set(each[1:])}, test_videos


def _draw(names: List[Any], count: int, rng: np.random.Generator) -> List[Any]:
    return [names[index] for index in rng.permutation(len(names))[:count]]


def _train_content(
    splits: Splits, annotations: Annotations, parsed: Dict[str, List[ParsedSentence]]
) -> Tuple[Set[str], Set[tuple]]:
    """Lemmas and compositions of the training sentences."""
    kept = [parsed[video][n] for video, record in splits.annotations['train'].items() for n in record['numbers']]
    return set().union(*(each.lemmas for each in kept)), set().union(*(each.compositions for each in kept))


def _classify(
    sentence: ParsedSentence, vocabulary: Set[str], relations: Set[tuple], allow_overlap: bool
) -> Iterator[Tuple[str, Dict[str, list]]]:
    """Splits of a sentence of a test video, and the tags that say why."""
    news: Dict[str, list] = {}
    for lemma, pos in sorted(sentence.words):
        if lemma not in vocabulary:
            news.setdefault(pos, []).append(lemma)
    novels: Dict[str, list] = {}
    for kind, first, second in sorted(sentence.compositions - relations):
        if {first, second} <= vocabulary:
            novels.setdefault(kind, []).append([first, second])
    if news:
        yield 'novel_word', news
    if novels and (allow_overlap or not news):
        yield 'novel_composition', novels
    if not news and not novels:
        yield 'test_trivial', {}


def _append(split: Annotations, video: str, source: Dict[str, Any], number: int, tags: Dict[str, list] = None) -> None:
    new = dict(sentences=[], timestamps=[], duration=source['duration'], numbers=[])
    record = split.setdefault(video, new)
    record['sentences'].append(source['sentences'][number])
    record['timestamps'].append(source['timestamps'][number])
    record['numbers'].append(number)
    if tags:
        # Compositions are pairs, words are strings.
        is_pair = not isinstance(next(iter(tags.values()))[0], str)
        record.setdefault('novels' if is_pair else 'news', []).append(tags)
