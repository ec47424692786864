import pytest
import torch

from tests.helpers.poses import PINHOLE, pose_of, poses_before_camera, random_angles, rest_clavicles
from vlplugins.models.layers.pose_generator import PoseGenerator, SeedPoseBank
from vlplugins.models.layers.pose_generator.codec import LocalSphericalCodec
from vlplugins.models.layers.pose_generator.propensity import effective_sample_size


def make(seeds=32, **changes):
    torch.manual_seed(0)
    generator = PoseGenerator(**changes).eval()
    generator.set_seeds(*poses_before_camera(seeds))
    return generator


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def test_a_record_is_consistent():
    generator = make()
    made = generator(64, rng())
    assert made.valid.all() and made.pose3d.shape == (64, 16, 3) and made.weight.shape == (64,)
    # The angles and lengths of the poses are those that the record names.
    encoded = generator.codec.encode(made.pose3d)
    torch.testing.assert_close(encoded.angles, made.angles, atol=1e-4, rtol=0)
    seeds = generator.bank.lengths[made.seed_index]
    ratio_of_bone = torch.tensor([0, 1, 2, 0, 1, 2, 3, 4, 5, 6, 7, 8, 6, 7, 8])
    torch.testing.assert_close(encoded.lengths, seeds * (1 + made.ratios[:, ratio_of_bone]), atol=1e-5, rtol=0)
    assert (made.ratios[:, 4] == 0).all() and made.ratios.abs().max() <= 0.2 and made.ratios.std() > 0.05
    for left, right in ((0, 3), (1, 4), (2, 5), (9, 12), (10, 13), (11, 14)):
        torch.testing.assert_close(encoded.lengths[:, left], encoded.lengths[:, right], atol=1e-5, rtol=0)
    # Projection is done last, with the camera of the record.
    pinhole = 2.29 * made.pose3d[..., :2] / made.pose3d[..., 2:]
    torch.testing.assert_close(made.pose2d, pinhole)
    assert made.pose2d.abs().max() <= 1 and made.pose3d[..., 2].min() > 0.5


def test_an_upright_person_has_the_head_up():
    made = make(view=dict(type='ViewSampler', pitch_std_deg=0, roll_std_deg=0))(64, rng())
    # The axis y points down.
    assert (made.pose3d[:, 8, 1] < made.pose3d[:, 0, 1]).all() and (made.pose2d[:, 8, 1] < made.pose2d[:, 0, 1]).all()


def test_same_seed_same_poses():
    generator = make()
    one, same, other = generator(16, rng(1)), generator(16, rng(1)), generator(16, rng(2))
    assert torch.equal(one.pose3d, same.pose3d) and torch.equal(one.weight, same.weight)
    assert not torch.allclose(one.pose3d, other.pose3d)


def test_without_parts_seeds_come_back():
    generator = make(posture=None, size=None, view=None, propensity=None)
    made = generator(40, rng())
    torch.testing.assert_close(made.pose3d, generator.bank.poses[made.seed_index], atol=1e-5, rtol=0)
    assert (made.weight == 1).all() and (made.log_q == 0).all()


@pytest.mark.parametrize('mode', ['per_bone', 'mixture', 'conditional'])
def test_uniform_policy_and_uniform_target_have_weight_one(mode):
    generator = make(posture=dict(type='UniformPolicy'), propensity=dict(type='PosePropensity', mode=mode))
    torch.testing.assert_close(generator(50, rng()).weight, torch.ones(50), atol=1e-4, rtol=0)


def test_weights_prefer_what_is_rare_and_collapse_in_eighteen_angles():
    """Seeds that nearly all stand alike: a pose far from them weighs more; per bone many samples count, jointly few."""
    standing = rest_clavicles(random_angles(1)).expand(60, -1, -1) + 0.02 * torch.randn(60, 11, 2, generator=rng())
    poses = pose_of(rest_clavicles(standing)) * torch.tensor([1.0, -1, -1]) + torch.tensor([0.0, 0, 5])
    found = {}
    for mode in ('per_bone', 'mixture'):
        generator = PoseGenerator(propensity=dict(type='PosePropensity', mode=mode))
        generator.set_seeds(poses, torch.tensor(PINHOLE).expand(60, 9))
        found[mode] = generator(512, rng())
    made = found['per_bone']
    codec = LocalSphericalCodec()
    away = codec.movable_angles(made.angles - generator.bank.angles.mean(dim=0)).norm(dim=1)
    assert torch.corrcoef(torch.stack([away, made.weight.log()]))[0, 1] > 0.5
    assert effective_sample_size(made.weight) > 5 * effective_sample_size(found['mixture'].weight)


def test_shuffled_weights_are_the_same_numbers_elsewhere():
    plain = make()(100, rng())
    shuffled = make(propensity=dict(type='PosePropensity', shuffle=True))(100, rng())
    assert torch.equal(plain.weight.sort().values, shuffled.weight.sort().values)
    assert torch.equal(plain.angles, shuffled.angles) and not torch.equal(plain.weight, shuffled.weight)


def test_bank_target_wants_what_is_near_to_the_bank():
    generator = make(
        seeds=200,
        bank=dict(type='SeedPoseBank', num_seeds=20),
        propensity=dict(type='PosePropensity', target=dict(type='BankTarget', bandwidth_deg=20.0)),
    )
    assert len(generator.bank) == 20 and len(generator.propensity.target.bank) == 200
    made = generator(100, rng())
    assert made.weight.isfinite().all() and made.weight.std() > 0
    # A bank that is the seeds, with the kernel of the policy, is the generator's own distribution.
    same = make(propensity=dict(type='PosePropensity', target=dict(type='BankTarget', bandwidth_deg=20.0)))
    torch.testing.assert_close(same(100, rng()).weight, torch.ones(100), atol=1e-3, rtol=0)


def test_views_are_drawn_again_and_what_stays_outside_is_marked():
    narrow = dict(type='ViewSampler', depth=(0.4, 3.0), root_std=(0.5, 0.5))
    once, often = (make(view=narrow, max_retry=tries)(400, rng()) for tries in (0, 8))
    assert torch.equal(once.angles, often.angles) and torch.equal(once.log_q, often.log_q)
    assert 0.05 < float(once.valid.float().mean()) < float(often.valid.float().mean())
    assert float(once.first_rejected) == pytest.approx(1 - float(once.valid.float().mean()))
    kept = often.compact()
    assert len(kept.weight) == int(often.valid.sum()) and kept.valid.all()
    assert kept.pose3d[..., 2].min() > 0.5 and kept.pose2d.abs().max() <= 1


def test_behind_the_camera_is_rejected_not_mirrored():
    generator = PoseGenerator(posture=None, size=None, view=None, propensity=None)
    poses, cameras = poses_before_camera(4)
    behind = poses - torch.tensor([0.0, 0, 10.0])
    generator.set_seeds(torch.cat([poses, behind]), torch.cat([cameras, cameras]))
    made = generator(64, rng())
    assert torch.equal(made.valid, made.seed_index < 4)


def test_not_finite_poses_are_invalid_and_harmless():
    generator = make(posture=None, size=None, view=None, propensity=None)
    generator.bank.root[0] = float('nan')
    made = generator(64, rng())
    bad = made.seed_index == 0
    assert bad.any() and torch.equal(made.valid, ~bad) and made.pose3d.isfinite().all() and made.pose2d.isfinite().all()


def test_learned_parts_get_gradients_and_weights_none():
    generator = PoseGenerator(
        posture=dict(type='MLPPosePolicy'), size=dict(type='MLPBoneLengthSampler'), view=dict(type='MLPViewSampler')
    )
    generator.set_seeds(*poses_before_camera(16))
    made = generator(16, rng())
    assert not made.weight.requires_grad and not made.log_q.requires_grad
    (made.pose2d.sum() + made.before_view.square().sum()).backward()
    silent = [name for name, each in generator.named_parameters() if each.grad is None]
    assert not silent
    assert not made.detach().pose3d.requires_grad


def test_bone_lengths_of_other_seeds():
    generator = make(size=dict(type='BoneLengthSwap'))
    generator.bank.lengths *= torch.linspace(0.8, 1.2, 32)[:, None]
    encoded = generator.codec.encode(generator(50, rng()).pose3d)
    scale = encoded.lengths[:, 1] / 0.45
    distance = (scale[:, None] - torch.linspace(0.8, 1.2, 32)).abs().min(dim=1).values
    assert distance.max() < 1e-3 and scale.std() > 0.05


def test_fixed_camera_and_seeds_own():
    camera = (3.0, 3.0, 0.1, -0.1, 0.0, 0.0, 0.0, 0.0, 0.0)
    made = make(camera=camera)(8, rng())
    assert torch.equal(made.camera, torch.tensor(camera).expand(8, 9))
    assert torch.equal(make()(8, rng()).camera, torch.tensor(PINHOLE).expand(8, 9))


def test_nothing_of_a_generator_without_networks_is_saved():
    assert not make().state_dict()
    learned = PoseGenerator(posture=dict(type='MLPPosePolicy'))
    assert all(name.startswith('posture.network') for name in learned.state_dict())


def test_what_cannot_be_weighed_is_told():
    for posture in (None, dict(type='FixedGaussianPolicy', mutate_prob=0.3)):
        with pytest.raises(ValueError, match='propensity=None'):
            PoseGenerator(posture=posture)
    with pytest.raises(ValueError, match='SeedBankHook'):
        PoseGenerator()(4)
    with pytest.raises(ValueError, match='9'):
        PoseGenerator(camera=(1.0, 1.0))


def test_bank_chooses_seeds():
    poses, cameras = poses_before_camera(10)
    repeated = poses.repeat_interleave(4, dim=0), cameras.repeat_interleave(4, dim=0)
    codec, bank = LocalSphericalCodec(), SeedPoseBank(num_seeds=10, strategy='farthest')
    bank.fill(*repeated, codec)
    distances = torch.cdist(bank.relative.flatten(1), poses.sub(poses[:, :1]).flatten(1))
    # Each of the ten poses once, although each is there four times.
    assert sorted(distances.argmin(dim=1).tolist()) == list(range(10)) and distances.min(dim=1).values.max() < 1e-4
    random = [SeedPoseBank(num_seeds=5, seed=seed) for seed in (0, 0, 1)]
    for each in random:
        each.fill(poses, cameras, codec)
    assert torch.equal(random[0].poses, random[1].poses) and not torch.equal(random[0].poses, random[2].poses)


def test_bank_brings_angles_into_the_limits():
    angles = rest_clavicles(random_angles(5))
    angles[0, 7, 0] = 0.5  # A knee that bends forward.
    poses = pose_of(angles) + torch.tensor([0.0, 0, 5])
    codec, bank = LocalSphericalCodec(), SeedPoseBank()
    bank.fill(poses, torch.tensor(PINHOLE).expand(5, 9), codec)
    assert bank.angles[0, 7, 0].item() == pytest.approx(codec.limits[7, 0, 1].item())
    assert (bank.poses[0, 3] - poses[0, 3]).norm() > 0.05 and (bank.poses[1:] - poses[1:]).abs().max() < 1e-4


@pytest.mark.parametrize('changes, message', [(dict(num_seeds=0), 'at least 1'), (dict(strategy='near'), 'strategy')])
def test_wrong_arguments_of_the_bank(changes, message):
    with pytest.raises(ValueError, match=message):
        SeedPoseBank(**changes)
    with pytest.raises(ValueError, match='more than'):
        SeedPoseBank(num_seeds=9).fill(*poses_before_camera(4), LocalSphericalCodec())
    with pytest.raises(ValueError, match='at least one'):
        SeedPoseBank().fill(torch.zeros(0, 16, 3), torch.zeros(0, 9), LocalSphericalCodec())
