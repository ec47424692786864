import numpy as np
import pytest
import torch

from vlplugins.models.task_modules import spectral
from vlplugins.models.task_modules.kmedoids import KMedoids
from vlplugins.models.task_modules.spectral import (
    SpectralClustering,
    correct_signs,
    neighbour_count,
    spatial_temporal_mask,
)


def random_points(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def naive_affinity(points, k, sigma, mutual):
    count = len(points)
    weights = np.exp(-((points[:, None] - points[None]) ** 2).sum(-1) / (2 * sigma**2))
    if k is None:
        return weights
    near = [set(np.argsort(-row, kind='stable')[:k]) for row in weights]
    kept = np.zeros_like(weights)
    for i in range(count):
        for j in range(count):
            sides = (j in near[i], i in near[j])
            if all(sides) if mutual else any(sides):
                kept[i, j] = weights[i, j]
    return kept


def naive_embedding(weights, num_clusters):
    degrees = weights.sum(axis=1)
    laplacian = (np.diag(degrees) - weights) / np.sqrt(np.outer(degrees, degrees))
    return np.linalg.eigh(laplacian)[1][:, :num_clusters]


@pytest.mark.parametrize(
    'options, k',
    [(dict(knn_k=7), 7), (dict(knn_k=18, mutual=True), 18), (dict(graph='HeatKernel'), None), (dict(), 10)],
)
@pytest.mark.parametrize('solver', ['eigh', 'svd'])
def test_equals_numpy(options, k, solver):
    points = random_points(2, 40, 3)
    algorithm = SpectralClustering(solver=solver, **options)
    weights = algorithm.affinity(points, num_frames=2)
    embedding = algorithm.embed(points, 5, num_frames=2)
    assign, medoids = algorithm(points, 5, num_frames=2)
    for row in range(2):
        expected = naive_affinity(points[row].double().numpy(), k, 2.0, options.get('mutual', False))
        np.testing.assert_allclose(weights[row].numpy(), expected, atol=1e-5)
        vectors = naive_embedding(expected, 5)
        # Up to the sign of each column.
        np.testing.assert_allclose(np.abs((embedding[row].numpy() * vectors).sum(axis=0)), 1.0, atol=1e-4)
        rows = vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-6)
        keys = torch.tensor(np.linalg.norm(vectors, axis=1))[None]
        reference = KMedoids()(torch.tensor(rows)[None], 5, start_keys=keys)
        assert torch.equal(assign[row], reference[0][0]) and torch.equal(medoids[row], reference[1][0])


def test_weights_by_hand():
    points = torch.tensor([[[0.0], [1.0], [3.0]]])
    near, middle, far = np.exp(-1 / 8), np.exp(-4 / 8), np.exp(-9 / 8)
    # With itself counted, k = 2: 0 and 1 are neighbours of each other, 1 is the neighbour of 3 but not the reverse.
    algorithm = SpectralClustering(graph='KNN', knn_k=5)
    algorithm.knn_k = 2
    spectral_k = spectral.neighbour_count
    try:
        spectral.neighbour_count = lambda count, frames, k: 2
        weights = algorithm.affinity(points)[0]
        algorithm.mutual = True
        mutual = algorithm.affinity(points)[0]
    finally:
        spectral.neighbour_count = spectral_k
    np.testing.assert_allclose(weights, [[1, near, 0], [near, 1, middle], [0, middle, 1]], atol=1e-6)
    np.testing.assert_allclose(mutual, [[1, near, 0], [near, 1, 0], [0, 0, 1]], atol=1e-6)
    full = SpectralClustering(graph='HeatKernel').affinity(points)[0]
    np.testing.assert_allclose(full, [[1, near, far], [near, 1, middle], [far, middle, 1]], atol=1e-6)


def test_number_of_neighbours():
    assert neighbour_count(147, 3) == 15
    assert neighbour_count(588, 3) == 20
    assert neighbour_count(147, 3, knn_k=4) == 15
    assert neighbour_count(147, 3, knn_k=30) == 30
    assert neighbour_count(8, 2) == 8


def rings():
    angles = torch.arange(30) * (2 * torch.pi / 30)
    circle = torch.stack([angles.cos(), angles.sin()], dim=1)
    return torch.cat([circle, 5 * circle])[None]


def test_rings_are_separated_by_the_graph_and_not_by_distance():
    truth = torch.arange(60) // 30

    def separates(algorithm):
        assign, _ = algorithm(rings(), 2)
        return torch.equal(assign[0], truth) or torch.equal(assign[0], 1 - truth)

    assert separates(SpectralClustering(knn_k=5, sigma=1.0))
    assert separates(SpectralClustering(knn_k=5, sigma=1.0, solver='svd'))
    assert not separates(KMedoids())


def test_signs_change_no_cluster_but_make_the_embedding_reproducible():
    points = random_points(3, 40, 6)
    fixed, free = SpectralClustering(knn_k=8), SpectralClustering(knn_k=8, correct_sign=False)
    for one, other in zip(fixed(points, 6), free(points, 6)):
        assert torch.equal(one, other)
    vectors = free.embed(points, 6)
    flipped = vectors * torch.tensor([1.0, -1.0, 1.0, -1.0, -1.0, 1.0])
    assert torch.equal(correct_signs(vectors), correct_signs(flipped))
    signed = correct_signs(vectors)
    assert ((signed.sign() * signed.square()).sum(dim=1) >= 0).all()


def test_a_balanced_column_is_not_wiped():
    balanced = torch.tensor([[[0.5, 0.8], [-0.5, -0.1], [0.5, 0.2], [-0.5, -0.1]]])
    assert torch.equal(correct_signs(balanced), balanced)
    square = torch.tensor([[[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]]])
    embedding = SpectralClustering(graph='HeatKernel').embed(square, 4)
    torch.testing.assert_close(embedding.norm(dim=1), torch.ones(1, 4))


def test_near_in_time_and_place():
    mask = spatial_temporal_mask(5 * 36, 5, torch.device('cpu'))
    for one, other in [(0, 3 * 36), (0, 4 * 36), (0, 4), (0, 5), (0, 24), (0, 30), (0, 36 + 4 * 6 + 4), (7, 3)]:
        places = [(index // 36, index % 36 // 6, index % 6) for index in (one, other)]
        time, row, column = (abs(a - b) for a, b in zip(*places))
        assert bool(mask[one, other]) == (time <= 3 and row <= 4 and column <= 4)
    assert torch.equal(mask, mask.T)
    large = spatial_temporal_mask(196, 1, torch.device('cpu'))
    assert large[0, 9] and not large[0, 10] and large[0, 9 * 14] and not large[0, 10 * 14]
    plain = SpectralClustering(graph='HeatKernel')
    masked = SpectralClustering(graph='HeatKernel', spatial_temporal_graph=True)
    points = random_points(1, 180, 4)
    torch.testing.assert_close(masked.affinity(points, 5), plain.affinity(points, 5) * mask)


def test_a_grid_that_is_not_square_is_refused():
    with pytest.raises(ValueError, match='square'):
        SpectralClustering(spatial_temporal_graph=True)(random_points(1, 12, 4), 2, num_frames=2)


def test_isolated_points_are_no_problem():
    points = 1000 * random_points(1, 12, 4)
    assign, medoids = SpectralClustering()(points, 4)
    assert len(set(medoids[0].tolist())) == 4 and set(assign[0].tolist()) == set(range(4))


def test_failure_to_converge_is_retried_in_double_precision_and_names_the_row(monkeypatch):
    algorithm, points = SpectralClustering(knn_k=6), random_points(3, 20, 4)
    expected = algorithm(points, 4)
    vectors = SpectralClustering._vectors

    def only_double(self, matrix):
        if matrix.dtype == torch.float:
            raise torch.linalg.LinAlgError('no convergence')
        return vectors(self, matrix)

    monkeypatch.setattr(SpectralClustering, '_vectors', only_double)
    assert torch.equal(algorithm(points, 4)[1], expected[1])

    calls = []

    def fails_at_the_second(self, matrix):
        calls.append(matrix.dtype)
        if matrix.dtype == torch.float or calls.count(torch.double) == 2:
            raise torch.linalg.LinAlgError('no convergence')
        return vectors(self, matrix)

    monkeypatch.setattr(SpectralClustering, '_vectors', fails_at_the_second)
    with pytest.raises(ValueError, match='row 1'):
        algorithm(points, 4)


def test_scale_matters_because_sigma_is_absolute():
    algorithm = SpectralClustering(graph='HeatKernel', sigma=1.0)
    points = random_points(4, 40, 3)
    assert not torch.equal(algorithm(points, 6)[1], algorithm(5 * points, 6)[1])


def test_rows_are_independent_and_autocast_changes_nothing():
    points = random_points(4, 40, 6)
    algorithm = SpectralClustering(knn_k=8, split_size=3)
    medoids = algorithm(points, 5)[1]
    assert torch.equal(medoids, torch.cat([algorithm(row[None], 5)[1] for row in points]))
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert torch.equal(algorithm(points, 5)[1], medoids)
    points[1, 2] = torch.nan
    assert torch.equal(algorithm(points, 5)[1][[0, 2, 3]], medoids[[0, 2, 3]])


def test_identity_for_as_many_clusters_as_points():
    assign, medoids = SpectralClustering(knn_k=5)(random_points(1, 16, 3), 16)
    assert medoids[0].tolist() == list(range(16)) and assign[0].tolist() == list(range(16))


@pytest.mark.parametrize('options', [dict(graph='full'), dict(solver='lobpcg'), dict(sigma=0), dict(metric='x')])
def test_wrong_options_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        SpectralClustering(**options)


def test_frames_that_do_not_divide_the_points_are_refused():
    with pytest.raises(ValueError, match='frames'):
        SpectralClustering()(random_points(1, 10, 3), 2, num_frames=3)
