import pytest
import torch

from tests.helpers.poses import pose_of, random_angles, random_rotations
from vlplugins.models.layers.pose_discriminators import (
    PART_BONES,
    HistoryPool,
    PartKCSDiscriminator,
    Pose2DDiscriminator,
)
from vlplugins.models.layers.pose_generator.bones import PARENTS


def test_parts_see_angles_between_their_bones_alone():
    torch.manual_seed(0)
    judge, poses = PartKCSDiscriminator(), pose_of(random_angles(6))
    scores = judge(poses)
    assert scores.shape == (6, 5)
    moved = 1.7 * poses @ random_rotations(6).transpose(1, 2) + torch.randn(6, 1, 3)
    torch.testing.assert_close(judge(moved), scores, atol=1e-4, rtol=1e-4)
    # The wrist of the left arm is seen by the left arm alone.
    bent = poses.clone()
    bent[:, 12] += 0.3
    changed = (judge(bent) - scores).abs().amax(dim=0) > 1e-4
    assert changed.tolist() == [True, False, False, False, False]


def test_scores_equal_a_loop():
    torch.manual_seed(0)
    judge, pose = PartKCSDiscriminator(), pose_of(random_angles(1))
    bones = torch.stack([pose[0, k + 1] - pose[0, PARENTS[k]] for k in range(15)])
    bones = bones / bones.norm(dim=1, keepdim=True)
    for part, path in zip(range(5), judge.paths):
        chain = torch.zeros(15, 15)
        for i in PART_BONES[part]:
            for j in PART_BONES[part]:
                chain[i, j] = bones[i] @ bones[j]
        torch.testing.assert_close(path(chain.flatten()[None])[0, 0], judge(pose)[0, part], atol=1e-5, rtol=1e-4)


def test_every_parameter_learns():
    torch.manual_seed(0)
    for judge, size in ((PartKCSDiscriminator(), 3), (Pose2DDiscriminator(), 2)):
        scores = judge(torch.randn(8, 16, size))
        assert scores.shape == (8, 5 if size == 3 else 1)
        scores.square().sum().backward()
        assert all(each.grad is not None and each.grad.abs().sum() > 0 for each in judge.parameters())


def test_pool_mixes_old_and_new():
    pool, rng = HistoryPool(100), torch.Generator().manual_seed(0)
    first = torch.arange(100.0, requires_grad=True)
    kept = pool(first, rng)
    assert torch.equal(kept, first) and not kept.requires_grad
    second = torch.arange(100.0, 160.0)
    mixed = pool(second, rng)
    is_old = mixed < 100
    assert 15 < int(is_old.sum()) < 45
    # What went out came from the pool, and what was exchanged is in it.
    assert sorted([*pool.stored.tolist(), *mixed.tolist()]) == list(range(160))
    assert torch.equal(pool(torch.arange(160.0, 170.0), torch.Generator().manual_seed(1))[:0], mixed[:0])
    assert not pool.state_dict()
    with pytest.raises(ValueError, match='at least 1'):
        HistoryPool(0)
