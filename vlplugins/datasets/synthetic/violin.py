"""Clips of people who act and speak, and pairs of statements about them, in the format of VIOLIN."""

import json
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from vlplugins.datasets.formats.violin_annotations import PAIRS, clean_statement, key_of
from vlplugins.datasets.sentence_graph import write_graphs
from vlplugins.datasets.synthetic.base import SyntheticDataset
from vlplugins.datasets.text_encoders import HashSentenceEncoder
from vlplugins.datasets.transforms.text_features import encode_clip
from vlplugins.registry import TASK_UTILS
from vlplugins.structures.sentence_graph import SentenceGraph
from vlplugins.structures.statement_graph import StatementGraph
from vlplugins.utils.files import write_npz

KINDS = ('say', 'and', 'order', 'act', 'next', 'name')
_PEOPLE = ('man', 'woman', 'boy', 'girl')
_ACTIONS = ('opens', 'throws', 'washes', 'lifts', 'paints')
_TOPICS = ('coffee', 'money', 'music', 'flowers', 'peace')
_NAMES = ('anna', 'boris', 'clara', 'david')
_SCENES = ('kitchen', 'garden', 'office', 'station', 'hospital', 'beach')
_CONNECTIVES = ('before', 'after')
_SEGMENTS, _FRAMES, _SECONDS, _DIM = 4, 2, 4.0, 32


class _World(NamedTuple):
    people: np.ndarray
    actions: np.ndarray
    scenes: np.ndarray
    mixing: np.ndarray


class _Clip(NamedTuple):
    """What the segments of a clip show and say."""

    people: List[str]
    actions: List[str]
    topics: List[str]
    names: List[str]
    scene: int


class _Pair(NamedTuple):
    """A true and a false statement, and the segment of the first event of each."""

    real: str
    fake: str
    segments: Tuple[int, int]


class TemplateStatementParser:
    """Graphs of the statements of :class:`SyntheticViolin`, without a parser."""

    name, version = 'violin template', '1'

    @staticmethod
    def graphs(sentences: Sequence[str]) -> Iterator[StatementGraph]:
        """Graphs of statements."""
        for sentence in sentences:
            yield template_graph(sentence.split())


def template_graph(tokens: List[str]) -> StatementGraph:
    """The graph of "P acts", "P acts saying T", "P acts before T", and of two of these with a connective."""
    joints = [i for i, token in enumerate(tokens) if token in ('and', *_CONNECTIVES) and len(tokens) > i + 2]
    clauses = np.split(np.arange(len(tokens)), joints[:1])
    actions, atoms, edges = [], [], []
    for event, clause in enumerate(clauses):
        words = [int(place) for place in clause if int(place) not in joints]
        # Who, does, (saying or before, what).
        actions.append([words[1]])
        edges.append(('event', 0, 'action', event, 'EVT'))
        for place, role in zip(words[::3], ('ARG0', 'ARG1')):
            edges.append(('action', event, 'atom', len(atoms), role))
            atoms.append(place)
    pos = ['VERB' if token in _ACTIONS or token == 'saying' else 'NOUN' for token in tokens]
    sentence = SentenceGraph(list(tokens), list(tokens), pos, actions, atoms, edges)
    connectives = [(0, 1, tokens[joints[0]].upper())] if joints else []
    return StatementGraph(sentence, [0] * len(actions), connectives)


@TASK_UTILS.register_module()
class SyntheticViolin(SyntheticDataset):
    """Writes clips of four segments of 4 seconds, in each of which one person acts and says a line.

    Signal: a frame is ``tanh(W (u_person + u_action))`` plus noise of deviation 0.2 plus the code of the scene of the
    clip, in 32 numbers; the line of a segment is "i want TOPIC", in 70 of 100 with a word for the scene. People,
    actions and topics of the four segments differ. Words have random vectors that are unrelated to what they look like:
    that must be learned. Kinds of statements, true -> false:

    - ``say``: "P acts saying T" -> T of another segment: sight and words of one segment belong together;
    - ``and``: two of these -> one of the two topics is that of a third segment: all must hold;
    - ``order``: "P acts before Q acts", or "after" -> the connective, or the events, change places: when is what;
    - ``act``: "P acts" -> an action that somebody else does: the easy kind;
    - ``next``: "P acts before T", T of the next segment -> of the previous one;
    - ``name``: "NAME acts", where two people show up twice and say their name the one time and a topic the other ->
      what the other one does; open and hard, as a name must be carried from segment to segment.

    Why nothing leaks: what a false statement names occurs in its clip, and a false statement is as often a true one of
    another clip; so neither the statement, nor the words that occur, nor one modality decides ``say`` and ``and``.
    The scene is in no statement: it gives the coherence of the segments something to find.

    Scores: chance is 50 per cent in every kind; a perfect model has 100, with ``text_noise`` n about
    ``100 - 50 n`` in ``say`` (half of the statements on a lost topic are guessed wrong).

    Files, as those of VIOLIN: ``violin_annotation.json``, ``features/<clip>.npy``, ``text/<clip>.npz`` (by
    :class:`HashSentenceEncoder`), ``statement_graphs.json``, ``statement_types.json`` (the kinds), ``evidence.json``
    (the seconds of the first event of what is true).

    Args:
        root: Folder of the set.
        num_train: Clips of training, three pairs each.
        num_val: Clips of validation.
        num_test: Clips of the test.
        kinds: Kinds of statements, equally often.
        text_noise: Share of the lines that lose their topic.
        noise: Deviation of the noise of frames.
        scene: Size of the code of a scene in the frames.
        seed: Seed of all random choices.

    Raises:
        ValueError: an unknown kind, or a share outside 0..1.
    """

    version = 3

    def __init__(
        self,
        root: str,
        num_train: int = 1500,
        num_val: int = 20,
        num_test: int = 260,
        kinds: Sequence[str] = KINDS[:4],
        text_noise: float = 0.0,
        noise: float = 0.2,
        scene: float = 1.0,
        seed: int = 0,
    ) -> None:
        super().__init__(root, seed)
        unknown = sorted(set(kinds) - set(KINDS))
        if unknown or not kinds:
            raise ValueError(f'kinds {tuple(kinds)} must be some of {KINDS}')
        if not 0 <= text_noise <= 1:
            raise ValueError(f'text_noise {text_noise} is outside 0..1')
        self.num_train, self.num_val, self.num_test = num_train, num_val, num_test
        self.kinds, self.text_noise, self.noise, self.scene = list(kinds), text_noise, noise, scene

    def write(self, folder: Path) -> None:
        """Write annotations, features, graphs, kinds and evidence."""
        rng = np.random.default_rng(self.seed)
        world = _World(*(rng.standard_normal((n, _DIM)) for n in (len(_PEOPLE), len(_ACTIONS))),
                       self.scene * rng.standard_normal((len(_SCENES), _DIM)),
                       rng.standard_normal((_DIM, _DIM)) / _DIM**0.5)  # fmt: skip
        for name in ('features', 'text'):
            (folder / name).mkdir()
        splits = ['train'] * self.num_train + ['validate'] * self.num_val + ['test'] * self.num_test
        annotations: Dict[str, Any] = {}
        types: Dict[str, Any] = {}
        evidence: Dict[str, Any] = {}
        # Every kind equally often, whatever the number of pairs of a clip.
        turns = iter(np.tile(np.arange(len(self.kinds)), PAIRS * len(splits)).tolist())
        numbers = rng.permutation(len(splits)).tolist()
        for number, split in zip(numbers, splits):
            clip_id = f'demo_s{number // 10000 + 1:02d}e{number // 100 % 100 + 1:02d}_clip_{16 * (number % 100):04d}'
            clip_id += f'_{16 * (number % 100) + 16:04d}'
            kinds = [self.kinds[next(turns)] for _ in range(PAIRS)]
            if 'name' in kinds:
                kinds = ['name'] * PAIRS
            clip = _draw_clip(rng, 'name' in kinds)
            pairs = [_MAKERS[kind](clip, rng) for kind in kinds]
            np.save(folder / 'features' / f'{clip_id}.npy', self._frames(clip, world, rng))
            record = self._record(clip_id, clip, pairs, split, number, rng)
            annotations[clip_id] = record
            self._write_text(folder, clip_id, record)
            types[clip_id] = [[kind, kind] for kind in kinds]
            evidence.update(_evidence(clip_id, pairs))
        for name, content in (('statement_types', types), ('evidence', evidence), ('violin_annotation', annotations)):
            (folder / f'{name}.json').write_text(json.dumps(content), encoding='utf-8')
        statements = {
            key_of(clip_id, pair, polarity): clean_statement(text)
            for clip_id, record in annotations.items()
            for pair, texts in enumerate(record['statement'])
            for polarity, text in enumerate(texts)
        }
        write_graphs(folder / 'statement_graphs.json', statements, TemplateStatementParser())

    def _frames(self, clip: _Clip, world: _World, rng: np.random.Generator) -> np.ndarray:
        people = world.people[[_PEOPLE.index(person) for person in clip.people]]
        actions = world.actions[[_ACTIONS.index(action) for action in clip.actions]]
        clean = np.tanh((people + actions) @ world.mixing.T).repeat(_FRAMES, axis=0)
        frames = clean + world.scenes[clip.scene] + self.noise * rng.standard_normal(clean.shape)
        return frames.astype(np.float32)

    def _record(
        self, clip_id: str, clip: _Clip, pairs: List[_Pair], split: str, number: int, rng: np.random.Generator
    ) -> Dict[str, Any]:
        lines = []
        for segment in range(_SEGMENTS):
            is_lost = rng.random() < self.text_noise
            text = f'i am {clip.names[segment]}' if clip.names[segment] else f'i want {clip.topics[segment]}'
            words = text.split()[:2] if is_lost else text.split()
            words += [_SCENES[clip.scene]] if rng.random() < 0.7 else []
            lines.append([' '.join(words), _SECONDS * segment + 0.5, _SECONDS * segment + 3.5])
        begin = 16 * (number % 100)
        return dict(file=clip_id, source='demo', span=[begin, begin + 16], split=split, sub=lines,
                    statement=[[pair.real, pair.fake] for pair in pairs])  # fmt: skip

    @staticmethod
    def _write_text(folder: Path, clip_id: str, record: Dict[str, Any]) -> None:
        statements = [clean_statement(text) for pair in record['statement'] for text in pair]
        lines = [clean_statement(line[0]) for line in record['sub']]
        write_npz(folder / 'text' / f'{clip_id}.npz', encode_clip(HashSentenceEncoder(_DIM), lines, statements))


def _evidence(clip_id: str, pairs: List[_Pair]) -> Dict[str, Optional[List[float]]]:
    found: Dict[str, Optional[List[float]]] = {}
    for pair, each in enumerate(pairs):
        found[key_of(clip_id, pair, 0)] = [_SECONDS * each.segments[0], _SECONDS * (each.segments[0] + 1)]
        found[key_of(clip_id, pair, 1)] = None
    return found


def _draw_clip(rng: np.random.Generator, with_names: bool) -> _Clip:
    people, names = list(rng.permutation(_PEOPLE)), [''] * _SEGMENTS
    if with_names:
        # Two people in two segments each, who say their name in the one of them.
        order = rng.permutation(_SEGMENTS)
        people = [people[place // 2] for place in np.argsort(order)]
        called = rng.permutation(_NAMES)[:2]
        for who, place in enumerate(order[::2]):
            names[place] = str(called[who])
    actions, topics = rng.permutation(_ACTIONS)[:_SEGMENTS], rng.permutation(_TOPICS)[:_SEGMENTS]
    return _Clip([str(p) for p in people], [str(a) for a in actions], [str(t) for t in topics], names,
                 int(rng.integers(len(_SCENES))))  # fmt: skip


def _other(rng: np.random.Generator, *taken: int) -> int:
    return int(rng.choice([segment for segment in range(_SEGMENTS) if segment not in taken]))


def _two(rng: np.random.Generator) -> Tuple[int, int]:
    first, second = rng.permutation(_SEGMENTS)[:2].tolist()
    return first, second


def _said(clip: _Clip, segment: int, topic: int) -> str:
    return f'{clip.people[segment]} {clip.actions[segment]} saying {clip.topics[topic]}'


def _say(clip: _Clip, rng: np.random.Generator) -> _Pair:
    segment = int(rng.integers(_SEGMENTS))
    other = _other(rng, segment)
    return _Pair(_said(clip, segment, segment), _said(clip, segment, other), (segment, segment))


def _and(clip: _Clip, rng: np.random.Generator) -> _Pair:
    i, j = _two(rng)
    third = _other(rng, i, j)
    topics = (third, j) if rng.random() < 0.5 else (i, third)
    real = f'{_said(clip, i, i)} and {_said(clip, j, j)}'
    return _Pair(real, f'{_said(clip, i, topics[0])} and {_said(clip, j, topics[1])}', (i, i))


def _order(clip: _Clip, rng: np.random.Generator) -> _Pair:
    i, j = _two(rng)
    first, second = (f'{clip.people[segment]} {clip.actions[segment]}' for segment in (i, j))
    word = 'before' if i < j else 'after'
    other = 'after' if i < j else 'before'
    fake = f'{first} {other} {second}' if rng.random() < 0.5 else f'{second} {word} {first}'
    return _Pair(f'{first} {word} {second}', fake, (i, j))


def _act(clip: _Clip, rng: np.random.Generator) -> _Pair:
    segment = int(rng.integers(_SEGMENTS))
    other = _other(rng, segment)
    return _Pair(f'{clip.people[segment]} {clip.actions[segment]}', f'{clip.people[segment]} {clip.actions[other]}',
                 (segment, segment))  # fmt: skip


def _next(clip: _Clip, rng: np.random.Generator) -> _Pair:
    segment = int(rng.integers(1, _SEGMENTS - 1))
    start = f'{clip.people[segment]} {clip.actions[segment]} before'
    return _Pair(f'{start} {clip.topics[segment + 1]}', f'{start} {clip.topics[segment - 1]}', (segment, segment))


def _name(clip: _Clip, rng: np.random.Generator) -> _Pair:
    said = [segment for segment, name in enumerate(clip.names) if name]
    acted = {clip.people[segment]: segment for segment, name in enumerate(clip.names) if not name}
    who, other = (said[place] for place in rng.permutation(2))
    own, foreign = acted[clip.people[who]], acted[clip.people[other]]
    name = clip.names[who]
    return _Pair(f'{name} {clip.actions[own]}', f'{name} {clip.actions[foreign]}', (own, own))


_MAKERS: Dict[str, Callable[[_Clip, np.random.Generator], _Pair]] = dict(
    say=_say, order=_order, act=_act, next=_next, name=_name, **{'and': _and}
)
