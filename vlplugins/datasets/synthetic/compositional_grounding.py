"""Videos of actions on objects, and sentences about them, in the format of Charades-CG."""

import json
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence, Tuple

import numpy as np

from vlplugins.datasets.sentence_graph import key_of, write_graphs
from vlplugins.datasets.synthetic.base import SyntheticDataset
from vlplugins.registry import TASK_UTILS
from vlplugins.structures.sentence_graph import SentenceGraph
from vlplugins.utils.word_vectors import write_word_vectors

# Surface form and lemma.
_VERBS = dict(
    opens='open', closes='close', holds='hold', throws='throw', washes='wash', moves='move', takes='take', drops='drop'
)
_NOUNS = ('door', 'box', 'book', 'cup', 'bag', 'towel', 'phone', 'pillow')
_NEW_NOUN = 'laptop'
_SECONDS = 2.0
_HALF = 24

Pair = Tuple[int, int]


class _World(NamedTuple):
    verbs: np.ndarray
    nouns: np.ndarray
    mixing: np.ndarray
    seen: List[Pair]
    held_out: List[Pair]

    def partners(self, verb: int = -1, noun: int = -1) -> List[int]:
        """Nouns seen with a verb, or verbs seen with a noun; the new noun is seen with those of the first one."""
        noun = 0 if noun == len(_NOUNS) else noun
        return [n for v, n in self.seen if v == verb] if verb >= 0 else [v for v, n in self.seen if n == noun]


class TemplateParser:
    """The graph of "person VERB the NOUN.", without a parser."""

    name, version = 'template', '1'

    @staticmethod
    def graphs(sentences: Sequence[str]) -> Iterator[SentenceGraph]:
        """Graphs of sentences."""
        for sentence in sentences:
            tokens = [*sentence.rstrip('.').split(), '.']
            edges = [
                ('event', 0, 'action', 0, 'EVT'),
                ('action', 0, 'atom', 0, 'ARG0'),
                ('action', 0, 'atom', 1, 'ARG1'),
            ]
            pos = ['NOUN', 'VERB', 'DET', 'NOUN', 'PUNCT']
            lemmas = [_VERBS.get(token, token) for token in tokens]
            yield SentenceGraph(tokens, lemmas, pos, [[1]], [0, 3], edges)


@TASK_UTILS.register_module()
class SyntheticCompositionalGrounding(SyntheticDataset):
    """Writes videos of 3 or 4 segments, each a verb done to a noun, and one query "person VERB the NOUN." for each.

    Signal: a position of a segment is ``tanh(1.5 W [e_verb ; e_noun])`` plus noise of deviation 0.4, with fixed random
    prototypes e and mixing W of 48 numbers. Word vectors are random and independent of the prototypes: what a word
    looks like must be learned. Beside the segment of the query there is one of the same verb with another noun, one of
    the same noun with another verb, and in half of the videos one with neither: only both words together tell.

    Splits: ``seen_pairs`` of the 64 pairs of verb and noun occur in training and ``test_trivial``, also as distractors,
    evenly over verbs and nouns; ``novel_composition`` asks for the other pairs, among seen distractors;
    ``novel_word`` asks for a ninth noun whose prototype and word vector are those of the first noun with noise of 0.35:
    the word is unseen, its meaning can be inferred.

    Why nothing leaks: order, cuts and lengths of segments are random and independent of the query; ids follow no order.

    Scores (R1@0.5): one of 3 or 4 segments with known bounds 25 to 33; by the verb or the noun alone about 50; a
    perfect model 100 in every measure. A model without the query scores what the best fixed segment scores.

    Files, as those of Charades-CG: ``train.json``, ``test_trivial.json``, ``novel_composition.json``,
    ``novel_word.json``, ``features/<id>.npy`` (float32 ``[T, 48]``, 2 seconds a row), ``graphs/<split>.json``,
    ``words.npz``.

    Args:
        root: Folder of the set.
        num_train: Queries of training.
        num_test: Queries of each test split.
        seen_pairs: Pairs of training, 16 to 56 of 64.
        noise: Deviation of the noise.
        seed: Seed of all random choices.

    Raises:
        ValueError: ``seen_pairs`` outside 16..56: each word needs two partners, and some pairs must be left.
    """

    version = 1

    def __init__(
        self,
        root: str,
        num_train: int = 1200,
        num_test: int = 300,
        seen_pairs: int = 20,
        noise: float = 0.4,
        seed: int = 0,
    ) -> None:
        super().__init__(root, seed)
        if not 16 <= seen_pairs <= 56:
            raise ValueError(f'seen_pairs {seen_pairs} is outside 16..56')
        self.num_train, self.num_test = num_train, num_test
        self.seen_pairs, self.noise = seen_pairs, noise

    def write(self, folder: Path) -> None:
        """Write annotations, graphs, features and word vectors."""
        rng = np.random.default_rng(self.seed)
        world = self._make_world(rng)
        (folder / 'features').mkdir()
        self._write_words(folder, rng)
        new = [(verb, len(_NOUNS)) for verb in world.partners(noun=0)]
        total = self.num_train + 3 * self.num_test
        ids = iter(rng.permutation(total).tolist())
        plan = [
            ('train', world.seen, self.num_train),
            ('test_trivial', world.seen, self.num_test),
            ('novel_composition', world.held_out, self.num_test),
            ('novel_word', new, self.num_test),
        ]
        for split, pairs, count in plan:
            videos: Dict[str, Any] = {}
            for _ in range(count):
                video_id = f'V{next(ids):05d}'
                verb, noun = pairs[rng.integers(len(pairs))]
                features, times = self._draw_video(verb, noun, world, rng)
                np.save(folder / 'features' / f'{video_id}.npy', features)
                videos[video_id] = _record(verb, noun, times, len(features), split)
            (folder / f'{split}.json').write_text(json.dumps(videos), encoding='utf-8')
            sentences = {key_of(video, 0): record['sentences'][0] for video, record in videos.items()}
            write_graphs(folder / 'graphs' / f'{split}.json', sentences, TemplateParser())

    def _make_world(self, rng: np.random.Generator) -> _World:
        verbs, nouns = rng.standard_normal((len(_VERBS), _HALF)), rng.standard_normal((len(_NOUNS), _HALF))
        nouns = np.concatenate([nouns, nouns[:1] + 0.35 * rng.standard_normal((1, _HALF))])
        mixing = rng.standard_normal((2 * _HALF, 2 * _HALF)) / np.sqrt(2 * _HALF)
        size = len(_NOUNS)
        rows, columns = rng.permutation(size), rng.permutation(size)
        # One diagonal after the other, the even places of each first: words have nearly as many partners.
        places = (*range(0, size, 2), *range(1, size, 2))
        order = [(place, (place + shift) % size) for shift in range(size) for place in places]
        pairs = [(int(rows[a]), int(columns[b])) for a, b in order]
        return _World(verbs, nouns, mixing, pairs[: self.seen_pairs], pairs[self.seen_pairs :])

    def _draw_video(
        self, verb: int, noun: int, world: _World, rng: np.random.Generator
    ) -> Tuple[np.ndarray, Tuple[float, float]]:
        """Features ``[T, 48]``, and the segment of the query in seconds."""
        other_noun = rng.choice([each for each in world.partners(verb=verb) if each != noun])
        other_verb = rng.choice([each for each in world.partners(noun=noun) if each != verb])
        shown = [(verb, noun), (verb, int(other_noun)), (int(other_verb), noun)]
        neither = [(v, n) for v, n in world.seen if v != verb and n != noun]
        if rng.random() < 0.5:
            shown.append(neither[rng.integers(len(neither))])
        order = rng.permutation(len(shown))
        length = int(rng.integers(10, 17))
        # Cuts at least two positions apart.
        spare = np.sort(rng.integers(0, length - 2 * len(shown) + 1, len(shown) - 1))
        cuts = np.concatenate([[0], spare + 2 * np.arange(1, len(shown)), [length]])
        clean = np.zeros((length, 2 * _HALF))
        for place, index in enumerate(order):
            v, n = shown[index]
            clean[cuts[place] : cuts[place + 1]] = np.tanh(
                1.5 * world.mixing @ np.concatenate([world.verbs[v], world.nouns[n]])
            )
        place = int(np.flatnonzero(order == 0)[0])
        features = clean + self.noise * rng.standard_normal(clean.shape)
        return features.astype(np.float32), (_SECONDS * float(cuts[place]), _SECONDS * float(cuts[place + 1]))

    @staticmethod
    def _write_words(folder: Path, rng: np.random.Generator) -> None:
        words = ['person', 'the', '.', *_VERBS, *_NOUNS, _NEW_NOUN]
        vectors = rng.standard_normal((len(words), 50))
        vectors[-1] = vectors[words.index(_NOUNS[0])] + 0.35 * rng.standard_normal(50)
        write_word_vectors(folder / 'words.npz', words, vectors)


def _record(verb: int, noun: int, times: Tuple[float, float], length: int, split: str) -> Dict[str, Any]:
    surface, lemma = list(_VERBS.items())[verb]
    name = (*_NOUNS, _NEW_NOUN)[noun]
    record = dict(sentences=[f'person {surface} the {name}.'], timestamps=[list(times)], duration=_SECONDS * length)
    if split == 'novel_composition':
        record['novels'] = [{'v-n': [[lemma, name]]}]
    if split == 'novel_word':
        record['news'] = [{'NOUN': [name]}]
    return record
