import numpy as np
import pytest

from vlplugins.apis.vector_index import VectorIndex


def unit(count, seed):
    vectors = np.random.default_rng(seed).normal(size=(count, 8))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize('kind', ['exact', 'flat', 'ivf'])
def test_best_vectors_against_a_loop(kind):
    features, queries = unit(50, 0), unit(4, 1)
    # with all cells searched, nothing is missed
    scores, places = VectorIndex(features, kind, probes=100).search(queries, 5)
    for query, row, columns in zip(queries, scores, places):
        expected = sorted(((float(query @ feature), -i) for i, feature in enumerate(features)), reverse=True)[:5]
        assert columns.tolist() == [-i for _, i in expected]
        assert np.allclose(row, [score for score, _ in expected], atol=1e-6)


@pytest.mark.parametrize('kind', ['exact', 'flat', 'ivf'])
def test_small_galleries_give_what_they_have(kind):
    features = unit(2, 0)
    scores, places = VectorIndex(features, kind).search(features, 10)
    assert places.shape == (2, 2) and places[:, 0].tolist() == [0, 1] and np.allclose(scores[:, 0], 1)


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="'hnsw'"):
        VectorIndex(unit(2, 0), 'hnsw')
    with pytest.raises(ValueError, match='no vectors'):
        VectorIndex(np.zeros((0, 8)))
