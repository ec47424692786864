"""Real queries of Charades-CG, with synthetic features of the videos."""

import hashlib
import json
from pathlib import Path
from typing import Dict, List, Tuple

import numpy as np

from vlplugins.datasets.formats.compositional_annotations import SPLITS, CompositionalFile
from vlplugins.datasets.sentence_graph import key_of, read_graphs, write_graphs
from vlplugins.datasets.synthetic.base import SyntheticDataset
from vlplugins.registry import TASK_UTILS
from vlplugins.structures.sentence_graph import SentenceGraph
from vlplugins.utils.word_vectors import write_word_vectors

_HALF, _WORD_CHANNELS = 24, 50
Codes = Dict[str, np.ndarray]


@TASK_UTILS.register_module()
class RealQueriesGrounding(SyntheticDataset):
    """Takes some videos of each released split of Charades-CG, and draws features for them.

    Real are sentences, times, durations, the splits and their tags, and the graphs, which a parser makes of the
    sentences. Synthetic are the features of the videos and the word vectors. Every lemma has a random prototype of 24
    numbers; a second of a segment shows ``tanh(1.5 W [v ; n])`` of its sentence, v the sum of the prototypes of the
    verbs of its graph and n that of its other words, each over the root of their number, with fixed random W; where
    segments overlap, their mean. What no segment covers shows sentences of the training set for 3 to 8 seconds each;
    all has noise of deviation 0.4. Word vectors are a random linear map of the prototypes with noise of 0.35: what a
    new word looks like can be inferred from its vector, as for real vectors, but has to be learned.

    Why nothing leaks: features follow from sentences by codes that all splits share; splits are the released ones.
    Scores: the best fixed segment has about 28, 19 and 26 R1@0.5 in the three tests; a perfect model nearly 100, as
    features have one row a second.

    Files as those of :class:`SyntheticCompositionalGrounding`.

    Args:
        root: Folder of the set.
        folder: The released files.
        parser: Config of the parser.
        num_train: Queries of training, at least; videos are taken whole.
        num_test: Queries of each test split, at least.
        noise: Deviation of the noise.
        seed: Seed of all random choices.

    Raises:
        FileNotFoundError: (when written) no annotations.
        ImportError: (when written) the parser's package is not installed.
    """

    version = 1

    def __init__(
        self,
        root: str,
        folder: str = '../shared/data/Charades-CG',
        parser: dict = dict(type='vlplugins.SpacySentenceParser', show_progress=False),  # noqa: B006
        num_train: int = 1200,
        num_test: int = 300,
        noise: float = 0.4,
        seed: int = 0,
    ) -> None:
        super().__init__(root, seed)
        self.folder, self.parser = folder, dict(parser)
        self.num_train, self.num_test, self.noise = num_train, num_test, noise

    def write(self, folder: Path) -> None:
        """Write annotations, graphs, features and word vectors."""
        rng = np.random.default_rng(self.seed)
        parser = TASK_UTILS.build(self.parser)
        files: Dict[str, CompositionalFile] = {}
        graphs: Dict[str, Dict[str, SentenceGraph]] = {}
        for split in SPLITS:
            files[split] = self._write_annotations(folder, split, rng)
            path = folder / 'graphs' / f'{split}.json'
            write_graphs(path, files[split].sentences, parser)
            graphs[split] = read_graphs(path, files[split].sentences)
        prototypes = _prototypes(graphs, self.seed)
        _write_words(folder, graphs, prototypes, rng)
        self._write_features(folder, files, graphs, prototypes, rng)

    def _write_annotations(self, folder: Path, split: str, rng: np.random.Generator) -> CompositionalFile:
        """Write whole videos of a split, until there are enough queries."""
        source = Path(self.folder, f'{split}.json')
        if not source.is_file():
            raise FileNotFoundError(f'no such annotations: {source}')
        content = json.loads(source.read_text(encoding='utf-8'))
        wanted = self.num_train if split == 'train' else self.num_test
        names = sorted(content)
        order = rng.permutation(len(names))
        counts = np.cumsum([len(content[names[index]]['sentences']) for index in order])
        chosen = sorted(names[index] for index in order[: int(np.searchsorted(counts, wanted)) + 1])
        path = folder / f'{split}.json'
        path.write_text(json.dumps({name: content[name] for name in chosen}), encoding='utf-8')
        return CompositionalFile(path, is_test=split != 'train')

    def _write_features(
        self,
        folder: Path,
        files: Dict[str, CompositionalFile],
        graphs: Dict[str, Dict[str, SentenceGraph]],
        prototypes: Codes,
        rng: np.random.Generator,
    ) -> None:
        mixing = rng.standard_normal((2 * _HALF, 2 * _HALF)) / np.sqrt(2 * _HALF)
        # Test splits share videos: a video shows the sentences of all of them.
        shown: Dict[str, List[Tuple[tuple, np.ndarray]]] = {}
        durations: Dict[str, float] = {}
        for split, file in files.items():
            for query in file.queries:
                code = _code(graphs[split][key_of(query['video_id'], query['number'])], prototypes, mixing)
                shown.setdefault(query['video_id'], []).append((query['segment'], code))
                durations[query['video_id']] = query['duration']
        others = [shown[query['video_id']][0][1] for query in files['train'].queries]
        (folder / 'features').mkdir()
        for video_id, parts in sorted(shown.items()):
            clean = _draw(durations[video_id], parts, others, rng)
            features = clean + self.noise * rng.standard_normal(clean.shape)
            np.save(folder / 'features' / f'{video_id}.npy', features.astype(np.float32))


def _prototypes(graphs: Dict[str, Dict[str, SentenceGraph]], seed: int) -> Codes:
    """24 numbers for each lemma, the same in any set."""
    lemmas = {lemma for inside in graphs.values() for graph in inside.values() for lemma in graph.lemmas}
    found = {}
    for lemma in sorted(lemmas):
        digest = hashlib.sha1(f'{seed}/{lemma}'.encode()).digest()
        found[lemma] = np.random.default_rng(int.from_bytes(digest[:8], 'big')).standard_normal(_HALF)
    return found


def _write_words(
    folder: Path, graphs: Dict[str, Dict[str, SentenceGraph]], prototypes: Codes, rng: np.random.Generator
) -> None:
    lemma_of = {
        token: lemma
        for inside in graphs.values()
        for graph in inside.values()
        for token, lemma in zip(graph.tokens, graph.lemmas)
    }
    words = sorted(lemma_of)
    mapping = rng.standard_normal((_HALF, _WORD_CHANNELS)) / np.sqrt(_HALF)
    vectors = np.stack([prototypes[lemma_of[word]] for word in words]) @ mapping
    write_word_vectors(folder / 'words.npz', words, vectors + 0.35 * rng.standard_normal(vectors.shape))


def _code(graph: SentenceGraph, prototypes: Codes, mixing: np.ndarray) -> np.ndarray:
    """What a second shows that a sentence describes: 48 numbers."""
    halves = []
    for tokens in ([span[0] for span in graph.actions], graph.atoms):
        parts = [prototypes[graph.lemmas[token]] for token in tokens]
        halves.append(np.sum(parts, axis=0) / np.sqrt(len(parts)) if parts else np.zeros(_HALF))
    return np.tanh(1.5 * mixing @ np.concatenate(halves))


def _draw(
    duration: float, parts: List[Tuple[tuple, np.ndarray]], others: List[np.ndarray], rng: np.random.Generator
) -> np.ndarray:
    """Features without noise, a row for each second: ``[T, 48]``."""
    length = max(int(np.ceil(duration)), 1)
    total, count = np.zeros((length, 2 * _HALF)), np.zeros(length)
    begin = 0
    while begin < length:
        end = begin + int(rng.integers(3, 9))
        total[begin:end] = others[rng.integers(len(others))]
        begin = end
    seconds = (np.arange(length) + 0.5) * duration / length
    for (start, end), code in parts:
        inside = (seconds >= start) & (seconds < end)
        total[inside & (count == 0)] = 0
        total[inside] += code
        count[inside] += 1
    return total / np.maximum(count, 1)[:, None]
