import numpy as np
import pytest

from vlplugins.evaluation.functional.pose_lifting import (
    align_similarity,
    angle_histograms,
    auc,
    average_pairwise_distance,
    joint_errors,
    pck,
)


def poses(count=3, seed=0):
    return np.random.default_rng(seed).normal(size=(count, 16, 3))


def rotation(angle=0.7):
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])


def test_one_joint_of_sixteen_a_centimetre_off():
    target = poses()
    predicted = target.copy()
    predicted[:, 5, 1] += 0.01
    assert joint_errors(predicted, target).mean() * 1000 == pytest.approx(0.625)
    assert joint_errors(predicted, target, joints=range(1, 16)).mean() * 1000 == pytest.approx(10 / 15)


def test_alignment_undoes_a_similarity_but_no_mirror():
    target = poses()
    moved = 2.5 * target @ rotation().T + np.array([1.0, -2.0, 3.0])
    np.testing.assert_allclose(align_similarity(moved, target), target, atol=1e-9)
    mirrored = target * np.array([-1, 1, 1])
    assert joint_errors(mirrored, target, align=True).mean() > 0.1


def test_alignment_is_the_best_of_many():
    target, predicted = poses(1), poses(1, seed=1)
    best = (joint_errors(predicted, target, align=True) ** 2).sum()
    centred = predicted - predicted.mean(axis=1, keepdims=True)
    rng = np.random.default_rng(0)
    for _ in range(200):
        matrix = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        matrix *= np.linalg.det(matrix)
        candidate = rng.uniform(0, 2) * centred @ matrix + target.mean(axis=1, keepdims=True)
        assert (joint_errors(candidate, target) ** 2).sum() >= best - 1e-9


def test_a_point_is_put_at_the_middle():
    target = poses()
    aligned = align_similarity(np.zeros((3, 16, 3)), target)
    np.testing.assert_allclose(aligned, np.broadcast_to(target.mean(axis=1, keepdims=True), aligned.shape), atol=1e-12)


def test_pck_is_strict_and_a_perfect_model_has_less_than_all():
    assert pck(np.array([149.9, 150.0, 150.1, 0.0]), 150) == 50
    assert auc(np.zeros(10)) == pytest.approx(100 * 30 / 31) == pytest.approx(96.774, abs=1e-3)
    # Below the thresholds 80, 85, ..., 150: 15 of 31.
    assert auc(np.full(4, 77.0)) == pytest.approx(100 * 15 / 31)


def test_pairs_equal_a_loop():
    points = poses(6)
    pairs = [np.linalg.norm(points[i] - points[j], axis=1).mean() for i in range(6) for j in range(i)]
    assert average_pairwise_distance(points) == pytest.approx(np.mean(pairs))
    assert average_pairwise_distance(points, max_poses=3) == pytest.approx(
        np.mean([np.linalg.norm(points[i] - points[j], axis=1).mean() for i in range(3) for j in range(i)])
    )
    assert average_pairwise_distance(points[:1]) == 0


def test_histograms_by_hand():
    low, high = np.array([[0.0, 0.0]]), np.array([[24.0, 12.0]])
    one = angle_histograms(np.zeros((5, 1, 2)), low, high)
    assert one == dict(angle_entropy=0.0, coverage=pytest.approx(1 / 288))
    grid = np.stack(np.meshgrid(np.arange(24) + 0.5, np.arange(12) + 0.5, indexing='ij'), axis=-1).reshape(-1, 1, 2)
    full = angle_histograms(grid, low, high)
    assert full['angle_entropy'] == pytest.approx(1) and full['coverage'] == 1
    two = angle_histograms(np.array([[[0.0, 0.0]], [[24.0, 12.0]]]), low, high)
    assert two['angle_entropy'] == pytest.approx(np.log(2) / np.log(288))
