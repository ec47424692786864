import json

import numpy as np
import pytest

from vlplugins.datasets import CompositionalGroundingDataset
from vlplugins.datasets.formats.compositional_annotations import SPLITS
from vlplugins.datasets.synthetic import SyntheticCompositionalGrounding
from vlplugins.utils.word_vectors import read_word_vectors


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp('set') / 'cg'
    SyntheticCompositionalGrounding(str(root), num_train=200, num_test=60).prepare()
    return root


def load(folder, split):
    return CompositionalGroundingDataset(
        ann_file=f'{split}.json', graph_file=f'graphs/{split}.json', data_root=str(folder),
        data_prefix=dict(video='features'), test_mode=split != 'train',
    )  # fmt: skip


def pairs_of(folder, split):
    dataset = load(folder, split)
    graphs = [dataset.get_data_info(index)['graph'] for index in range(len(dataset))]
    return [(graph.tokens[1], graph.tokens[3]) for graph in graphs]


def test_real_reader_reads_every_split(folder):
    for split in SPLITS:
        dataset = load(folder, split)
        assert len(dataset) == (200 if split == 'train' else 60)
        record = dataset.get_data_info(0)
        features = np.load(record['feature_files']['video'])
        assert features.shape[1] == 48 and record['duration'] == 2.0 * len(features) and 10 <= len(features) <= 16
        start, end = record['segment']
        assert 0 <= start < end <= record['duration'] and end - start >= 4.0


def test_pairs_of_the_splits(folder):
    found = {split: set(pairs_of(folder, split)) for split in SPLITS}
    assert len(found['train']) == 20 and found['test_trivial'] <= found['train']
    assert not found['novel_composition'] & found['train']
    words = {word for pair in found['train'] for word in pair}
    assert {word for pair in found['novel_composition'] for word in pair} <= words and len(words) == 16
    assert {noun for _, noun in found['novel_word']} == {'laptop'} and 'laptop' not in words
    for place in (0, 1):
        counts = [sum(pair[place] == word for pair in found['train']) for word in sorted(words)]
        assert set(counts) <= {0, 2, 3}


def test_position_tells_nothing(folder):
    """The best fixed segment does not come near a model that sees the query."""
    dataset = load(folder, 'train')
    records = [dataset.get_data_info(index) for index in range(len(dataset))]
    spans = np.array([np.array(record['segment']) / record['duration'] for record in records])
    grid = np.linspace(0, 1, 11)
    best = 0.0
    for start in grid:
        for end in grid[grid > start]:
            inside = (np.minimum(spans[:, 1], end) - np.maximum(spans[:, 0], start)).clip(min=0)
            union = (spans[:, 1] - spans[:, 0]) + (end - start) - inside
            best = max(best, (inside / union >= 0.5).mean())
    assert best < 0.5


def test_the_verb_and_the_noun_are_seen_elsewhere_too(folder):
    """Positions of the segment are nearer to each other than to those of the distractors."""
    dataset = load(folder, 'train')
    record = dataset.get_data_info(0)
    features = np.load(record['feature_files']['video'])
    first, last = (int(each / 2.0) for each in record['segment'])
    inside = features[first:last]
    outside = np.delete(features, np.arange(first, last), axis=0)
    centre = inside.mean(axis=0)
    assert np.linalg.norm(inside - centre, axis=1).max() < np.linalg.norm(outside - centre, axis=1).max()


def test_new_word_is_near_the_first_noun(folder):
    words, vectors = read_word_vectors(folder / 'words.npz')
    rows = dict(zip(words, vectors[2:]))
    distance = {word: np.linalg.norm(rows['laptop'] - rows[word]) for word in words if word != 'laptop'}
    assert min(distance, key=distance.get) == 'door'


def test_tags_are_those_of_the_released_files(folder):
    composition = json.loads((folder / 'novel_composition.json').read_text())
    record = next(iter(composition.values()))
    verb, noun = record['novels'][0]['v-n'][0]
    assert noun in record['sentences'][0] and verb in record['sentences'][0]
    assert next(iter(json.loads((folder / 'novel_word.json').read_text()).values()))['news'] == [{'NOUN': ['laptop']}]


def test_seed_decides_and_wrong_arguments_are_told(tmp_path):
    names = [tmp_path / name for name in 'abc']
    for name, seed in zip(names, (0, 0, 1)):
        SyntheticCompositionalGrounding(str(name), num_train=5, num_test=2, seed=seed).prepare()
    one, two, other = ((name / 'train.json').read_text() for name in names)
    assert one == two != other
    with pytest.raises(ValueError, match='seen_pairs 8'):
        SyntheticCompositionalGrounding(str(tmp_path), seen_pairs=8)
