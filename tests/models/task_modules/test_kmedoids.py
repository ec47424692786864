import math

import pytest
import torch

from vlplugins.models.task_modules.kmedoids import KMedoids, pairwise_distances
from vlplugins.registry import TASK_UTILS


def random_points(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def naive_distance(a, b, metric, p):
    if metric == 'cosine':
        norms = (math.sqrt(sum(x * x for x in a)) + 1e-6) * (math.sqrt(sum(x * x for x in b)) + 1e-6)
        return 1 - sum(x * y for x, y in zip(a, b)) / norms
    return sum(abs(x - y) ** p for x, y in zip(a, b)) ** (1 / p)


def naive_kmedoids(points, num_clusters, metric='euclidean', p=2.0, limit=100):
    """One row, as lists: KKZ start, then assign and update until nothing changes."""
    count = len(points)
    distance = [[naive_distance(a, b, metric, p) for b in points] for a in points]
    for i in range(count):
        distance[i][i] = -1.0
    norms = [sum(x * x for x in point) for point in points]
    medoids = [norms.index(max(norms))]
    while len(medoids) < num_clusters:
        nearest = [min(distance[i][m] for m in medoids) for i in range(count)]
        medoids.append(nearest.index(max(nearest)))

    def assign_all():
        slots = []
        for i in range(count):
            to_medoids = [distance[i][m] for m in medoids]
            slots.append(to_medoids.index(min(to_medoids)))
        return slots

    for _ in range(limit):
        slots = assign_all()
        new = []
        for k in range(num_clusters):
            members = [i for i in range(count) if slots[i] == k]
            costs = [sum(sorted(distance[i][j] for j in members)) for i in members]
            new.append(members[costs.index(min(costs))])
        if new == medoids:
            break
        medoids = new
    medoids.sort()
    return assign_all(), medoids


@pytest.mark.parametrize(
    'options', [dict(), dict(p=1.0), dict(p=3.0), dict(metric='cosine')], ids=['l2', 'l1', 'l3', 'cosine']
)
@pytest.mark.parametrize('count, num_clusters', [(20, 6), (60, 13), (60, 1)])
def test_equals_the_loop_over_lists(options, count, num_clusters):
    points = random_points(3, count, 10)
    assign, medoids = KMedoids(**options)(points, num_clusters)
    for row in range(3):
        expected = naive_kmedoids(points[row].tolist(), num_clusters, **options)
        assert (assign[row].tolist(), medoids[row].tolist()) == expected


def test_start_takes_the_largest_norm_and_then_the_farthest():
    points = torch.tensor([[[0.0], [1.0], [10.0], [7.0], [-2.0]]])
    # 10 has the largest norm, -2 is farthest from it; 7 is 3 from the nearer, 1 is 3 from the nearer: the lower index.
    _, medoids = KMedoids(iter_limit=0, id_sort=False)(points, 4)
    assert medoids.tolist() == [[2, 4, 1, 3]]


def test_medoids_of_a_line_by_hand():
    points = torch.tensor([[[0.0], [1.0], [2.0], [10.0], [11.0]]])
    assign, medoids = KMedoids()(points, 2)
    # {0, 1, 2} has its middle as medoid; {10, 11} is a tie, which the lower index takes.
    assert medoids.tolist() == [[1, 3]]
    assert assign.tolist() == [[0, 0, 0, 1, 1]]


def test_unsorted_medoids_fit_their_assignment():
    points = random_points(2, 40, 8)
    sorted_assign, sorted_medoids = KMedoids()(points, 5)
    assign, medoids = KMedoids(id_sort=False)(points, 5)
    assert (sorted_medoids.diff(dim=1) > 0).all()
    assert not (medoids.diff(dim=1) > 0).all()
    assert torch.equal(medoids.sort(dim=1).values, sorted_medoids)
    assert torch.equal(medoids.gather(1, assign), sorted_medoids.gather(1, sorted_assign))


def test_equal_points_give_distinct_medoids_and_no_empty_cluster():
    for count in (12, 50):
        points = torch.full((2, count, 7), 3.3)
        assign, medoids = KMedoids()(points, 5)
        assert all(len(set(row)) == 5 for row in medoids.tolist())
        assert all(set(row) == set(range(5)) for row in assign.tolist())


def test_an_outlier_among_equal_points_is_kept():
    for count in (20, 80):
        points = random_points(1, 1, 30).expand(1, count, 30).clone()
        points[0, 11] += 0.5
        for num_clusters in (2, 5):
            _, medoids = KMedoids()(points, num_clusters)
            assert 11 in medoids[0].tolist()


@pytest.mark.parametrize('scale', [1.0, 1000.0])
@pytest.mark.parametrize('times', [3, 15])
def test_repeated_points_are_kept_once(scale, times):
    distinct = scale * random_points(1, 20, 48, seed=3)
    points = distinct.repeat(1, times, 1)
    assert (pairwise_distances(points)[:, ::20, ::20] == 0).all()
    _, medoids = KMedoids()(points, 20)
    assert sorted(index % 20 for index in medoids[0].tolist()) == list(range(20))
    # Of equal points the first one is the medoid.
    assert medoids[0].tolist() == list(range(20))


def test_a_row_does_not_depend_on_its_mates_nor_on_the_split():
    points = random_points(5, 60, 16)
    assign, medoids = KMedoids(split_size=2)(points, 7)
    for other in (KMedoids(split_size=16)(points, 7), KMedoids(split_size=1)(points, 7)):
        assert torch.equal(assign, other[0]) and torch.equal(medoids, other[1])
    changed = points.clone()
    changed[1:] = 100 * random_points(4, 60, 16, seed=9)
    assert torch.equal(KMedoids()(changed, 7)[1][0], medoids[0])


def test_a_large_threshold_stops_each_row_for_itself():
    points = random_points(6, 200, 8)
    loose = KMedoids(threshold=25.0)
    alone = torch.cat([loose(points[i : i + 1], 20)[1] for i in range(6)])
    assert torch.equal(loose(points, 20)[1], alone)
    assert not torch.equal(alone, KMedoids()(points, 20)[1])


def test_result_does_not_depend_on_how_often_convergence_is_looked_at(monkeypatch):
    points = random_points(6, 200, 8)
    expected = KMedoids(threshold=25.0)(points, 20)
    # Never told that it has converged, it runs on to the limit.
    monkeypatch.setattr(torch.Tensor, '__bool__', lambda self: False)
    assert torch.equal(KMedoids(threshold=25.0)(points, 20)[1], expected[1])


def test_twenty_runs_are_identical():
    points = random_points(2, 50, 16)
    first = KMedoids()(points, 6)[1]
    for seed in range(20):
        torch.manual_seed(seed)
        assert torch.equal(KMedoids()(points, 6)[1], first)


def test_rotation_and_scale_leave_the_medoids():
    points = random_points(3, 60, 16).double()
    rotation = torch.linalg.qr(random_points(16, 16, seed=5).double()).Q
    medoids = KMedoids()(points, 8)[1]
    assert torch.equal(KMedoids()(points @ rotation, 8)[1], medoids)
    assert torch.equal(KMedoids()(37 * points, 8)[1], medoids)


def test_a_translation_may_change_the_start_but_ends_in_a_fixed_point():
    points = random_points(2, 50, 8)
    moved = points + 20 * random_points(8, seed=4)
    assign, medoids = KMedoids()(moved, 6)
    distances = torch.cdist(points, points)
    for row in range(2):
        for slot, medoid in enumerate(medoids[row].tolist()):
            members = (assign[row] == slot).nonzero().flatten()
            costs = distances[row][members][:, members].sum(dim=1)
            assert costs[members.tolist().index(medoid)] <= costs.min() + 1e-4


def test_as_many_clusters_as_points_is_the_identity():
    assign, medoids = KMedoids()(random_points(2, 40, 4), 40)
    assert medoids.tolist() == [list(range(40))] * 2
    assert assign.tolist() == [list(range(40))] * 2


def test_pre_norm_clusters_directions_and_starts_at_the_lowest_index():
    points = random_points(2, 40, 6)
    lengths = torch.rand(2, 40, 1, generator=torch.Generator().manual_seed(1)) + 0.5
    normed = KMedoids(pre_norm=True)
    assert torch.equal(normed(points, 5)[1], normed(points * lengths, 5)[1])
    assert not torch.equal(KMedoids()(points, 5)[1], KMedoids()(points * lengths, 5)[1])
    first = KMedoids(pre_norm=True, id_sort=False, iter_limit=0)(points, 3)[1][:, 0]
    assert first.tolist() == [0, 0]


def test_autocast_and_half_input_are_computed_in_single_precision():
    points = random_points(3, 60, 16).bfloat16()
    expected = KMedoids()(points.float(), 7)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        result = KMedoids()(points, 7)
    assert torch.equal(result[0], expected[0]) and torch.equal(result[1], expected[1])


def test_points_that_are_not_finite_give_valid_indices():
    for value in (math.nan, math.inf):
        points = random_points(2, 40, 6)
        points[0, 3, 2] = value
        assign, medoids = KMedoids()(points, 5)
        assert all(len(set(row)) == 5 and max(row) < 40 for row in medoids.tolist())
        assert torch.equal(medoids[1], KMedoids()(random_points(2, 40, 6), 5)[1][1])


@pytest.mark.parametrize('count', [20, 64, 301])
def test_distances_are_symmetric_and_precise_far_from_the_origin(count):
    points = random_points(2, count, 32)
    expected = torch.cdist(points.double(), points.double()).float()
    for offset in (0.0, 100.0):
        distances = pairwise_distances(points + offset)
        assert torch.equal(distances, distances.transpose(1, 2))
        assert (distances.diagonal(dim1=1, dim2=2) == 0).all()
        torch.testing.assert_close(distances, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('num_clusters', [0, -1, 11])
def test_impossible_numbers_of_clusters_are_refused(num_clusters):
    with pytest.raises(ValueError, match='num_clusters'):
        KMedoids()(random_points(1, 10, 3), num_clusters)


@pytest.mark.parametrize('options', [dict(metric='hamming'), dict(p=0), dict(split_size=0), dict(iter_limit=-1)])
def test_wrong_options_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        KMedoids(**options)


def test_is_registered():
    assert isinstance(TASK_UTILS.build(dict(type='KMedoids', metric='cosine')), KMedoids)
