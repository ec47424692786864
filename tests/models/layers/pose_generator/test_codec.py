import math

import pytest
import torch

from tests.helpers.poses import LENGTHS, pose_of, random_angles, random_rotations, rest_clavicles
from vlplugins.models.layers.pose_generator.bones import LIMBS, PARENTS
from vlplugins.models.layers.pose_generator.codec import EncodedPose, LocalSphericalCodec, rotate_minimally
from vlplugins.structures.skeleton_layout import H36M16

ROW = {bone: row for row, bone in enumerate(LIMBS)}


def slow_decode(angles):
    """Limb directions of a standing torso (left x, up y, front z) by trigonometry and rotations about axes."""
    cos, sin = math.cos, math.sin

    def local(azimuth, elevation, first, second, third):
        flat = [cos(elevation) * cos(azimuth), cos(elevation) * sin(azimuth), sin(elevation)]
        return [sum(value * axis[i] for value, axis in zip(flat, (first, second, third))) for i in range(3)]

    def turned(vector, start, end):
        # Rodrigues' rotation about start x end.
        axis = [start[1] * end[2] - start[2] * end[1], start[2] * end[0] - start[0] * end[2]]
        axis.append(start[0] * end[1] - start[1] * end[0])
        size = math.sqrt(sum(value**2 for value in axis))
        if size < 1e-12:
            return vector
        axis = [value / size for value in axis]
        angle = math.atan2(size, sum(a * b for a, b in zip(start, end)))
        dot = sum(a * b for a, b in zip(axis, vector))
        cross = [axis[1] * vector[2] - axis[2] * vector[1], axis[2] * vector[0] - axis[0] * vector[2]]
        cross.append(axis[0] * vector[1] - axis[1] * vector[0])
        return [v * cos(angle) + c * sin(angle) + a * dot * (1 - cos(angle)) for v, c, a in zip(vector, cross, axis)]

    down, up, front, left, right = [0, -1, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0], [-1, 0, 0]
    bases = {1: (down, front, right), 4: (down, front, left), 8: (up, front, left)}
    bases.update({9: (left, up, front), 10: (left, up, front), 12: (right, up, front), 13: (right, up, front)})
    found = {bone: local(*angles[ROW[bone]].tolist(), *basis) for bone, basis in bases.items()}
    for child, parent in ((2, 1), (5, 4), (11, 10), (14, 13)):
        flat = local(*angles[ROW[child]].tolist(), *bases[parent])
        found[child] = turned(flat, bases[parent][0], found[parent])
    return found


def test_decode_equals_trigonometry():
    angles = random_angles(20)
    bones = LocalSphericalCodec().bone_vectors(pose_of(angles))
    for pose, each in zip(bones, angles):
        for bone, direction in slow_decode(each).items():
            torch.testing.assert_close(pose[bone] / LENGTHS[bone], torch.tensor(direction), atol=2e-5, rtol=0)


def test_encode_undoes_decode():
    codec = LocalSphericalCodec()
    angles = random_angles(200)
    poses = pose_of(angles) + torch.randn(200, 1, 3)
    encoded = codec.encode(poses)
    # Clavicles move the shoulders, by which the upper frame is found: poses still agree, angles where they rest.
    assert (codec.decode(encoded) - poses).abs().max() < 1e-5
    resting = rest_clavicles(angles)
    encoded = codec.encode(pose_of(resting))
    torch.testing.assert_close(encoded.angles, resting, atol=2e-5, rtol=0)
    torch.testing.assert_close(encoded.lengths, torch.tensor(LENGTHS).expand(200, 15), atol=1e-6, rtol=0)


def test_angles_are_invariant_to_rigid_motions():
    codec, poses = LocalSphericalCodec(), pose_of(random_angles(100))
    moved = poses @ random_rotations(100).transpose(1, 2) + 3 * torch.randn(100, 1, 3)
    difference = (codec.encode(moved).angles - codec.encode(poses).angles).abs()
    assert torch.minimum(difference, 2 * torch.pi - difference).max() < 1e-4


def test_a_turned_thigh_carries_the_shank():
    codec = LocalSphericalCodec()
    angles = rest_clavicles(random_angles(5))
    turned = angles.clone()
    turned[:, ROW[1], 0] = (angles[:, ROW[1], 0] + math.radians(30)).clamp(max=math.radians(120))
    before, after = pose_of(angles), pose_of(turned)
    torch.testing.assert_close(codec.encode(after).angles[:, ROW[2]], angles[:, ROW[2]], atol=2e-5, rtol=0)
    assert (after[:, 3] - before[:, 3]).norm(dim=1).min() > 0.01
    assert torch.equal(after[:, [6, 9, 12, 15]], before[:, [6, 9, 12, 15]])


def test_a_mirrored_pose_swaps_sides_and_turns_the_head_over():
    codec = LocalSphericalCodec()
    poses = pose_of(rest_clavicles(random_angles(50)))
    mirrored = (poses * torch.tensor([-1.0, 1.0, 1.0]))[:, list(H36M16.flip_indices)]
    flip = [H36M16.flip_indices[bone + 1] - 1 for bone in LIMBS]
    expected = codec.encode(poses).angles[:, [ROW[bone] for bone in flip]]
    expected[:, ROW[8], 1] *= -1
    torch.testing.assert_close(codec.encode(mirrored).angles, expected, atol=2e-5, rtol=0)


def test_absolute_frames_do_not_carry():
    codec = LocalSphericalCodec(frames='camera')
    assert torch.allclose(codec.limits[0], torch.tensor([[-torch.pi, torch.pi], [-torch.pi / 2, torch.pi / 2]]))
    poses = pose_of(random_angles(20))
    encoded = codec.encode(poses)
    assert (codec.decode(encoded) - poses).abs().max() < 1e-5
    changed = encoded.replace(angles=encoded.angles.clone())
    changed.angles[:, ROW[1], 0] += 0.5
    bones = codec.bone_vectors(codec.decode(changed)) - codec.bone_vectors(poses)
    assert bones[:, 1].norm(dim=1).max() > 0.05 and bones[:, 2].abs().max() < 1e-5


def test_decode_has_gradients_at_straight_limbs():
    codec = LocalSphericalCodec()
    angles = torch.zeros(2, 11, 2, requires_grad=True)
    lengths = torch.tensor(LENGTHS).repeat(2, 1).requires_grad_()
    body = codec.encode(pose_of(torch.zeros(2, 11, 2)))
    weights = torch.randn(2, 16, 3, generator=torch.Generator().manual_seed(0))
    (codec.decode(body.replace(angles=angles, lengths=lengths)) * weights).sum().backward()
    assert angles.grad.isfinite().all() and lengths.grad.isfinite().all()
    assert (angles.grad[:, [ROW[bone] for bone in codec.movable]].abs() > 0).all() and (lengths.grad != 0).all()


def test_smallest_rotations():
    start, side = torch.tensor([1.0, 0, 0]), torch.tensor([0.0, 0, 1])
    vectors = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    # Opposite: a half turn; equal: nothing.
    half = rotate_minimally(vectors, start.expand(5, 3), -start.expand(5, 3), side.expand(5, 3))
    torch.testing.assert_close(half, vectors * torch.tensor([-1.0, -1.0, 1.0]))
    torch.testing.assert_close(rotate_minimally(vectors, start.expand(5, 3), start.expand(5, 3), side), vectors)
    end = torch.nn.functional.normalize(torch.tensor([0.3, -0.8, 0.5]), dim=0)
    torch.testing.assert_close(rotate_minimally(start, start, end, side), end)
    # What is perpendicular to both stays.
    axis = torch.linalg.cross(start, end)
    torch.testing.assert_close(rotate_minimally(axis, start, end, side), axis)
    turned = rotate_minimally(vectors, start.expand(5, 3), end.expand(5, 3), side)
    torch.testing.assert_close(turned @ turned.T, vectors @ vectors.T)
    back = rotate_minimally(turned, start.expand(5, 3), end.expand(5, 3), side, inverse=True)
    torch.testing.assert_close(back, vectors)


def test_limits_clamp_to_the_nearer_end_on_the_circle():
    codec = LocalSphericalCodec(movable=(2,))
    angles = torch.deg2rad(torch.tensor([[179.0, 0.0], [20.0, -12.0], [-100.0, 3.0]]))
    values, outside = codec.clamp(angles)
    # -145 is 36 degrees from 179 over the back; 5 is 174 degrees away.
    expected = torch.deg2rad(torch.tensor([[-145.0, 0.0], [5.0, -10.0], [-100.0, 3.0]]))
    torch.testing.assert_close(values, expected)
    assert outside.tolist() == [[True, False], [True, True], [False, False]]


def test_movable_angles_go_in_and_out():
    codec, angles = LocalSphericalCodec(), random_angles(3)
    values = codec.movable_angles(angles)
    assert values.shape == (3, 18) == (3, codec.num_angles)
    changed = codec.with_movable_angles(angles, values + 1)
    torch.testing.assert_close(codec.movable_angles(changed), values + 1)
    assert torch.equal(changed[:, [ROW[9], ROW[12]]], angles[:, [ROW[9], ROW[12]]])


@pytest.mark.parametrize(
    'changes, message',
    [
        (dict(limits={2: ((5, 5), (-10, 10))}), 'bone 2: azimuth'),
        (dict(limits={2: ((-10, 10), (-100, 10))}), 'bone 2: elevation'),
        (dict(limits={0: ((0, 1), (0, 1))}), r'\[0\]'),
        (dict(movable=(0,)), 'movable'),
        (dict(movable=()), 'movable'),
        (dict(frames='world'), 'frames'),
    ],
)
def test_wrong_arguments_are_told(changes, message):
    with pytest.raises(ValueError, match=message):
        LocalSphericalCodec(**changes)


def test_limits_can_be_changed_or_taken_away():
    one = LocalSphericalCodec(limits={2: ((-90, 0), (-5, 5))})
    assert torch.allclose(one.limits[ROW[2], 0], torch.deg2rad(torch.tensor([-90.0, 0.0])))
    assert torch.allclose(one.limits[ROW[5], 0], torch.deg2rad(torch.tensor([-145.0, 5.0])))
    full = LocalSphericalCodec(limits=None).limits
    assert torch.allclose(full[:, 0], torch.tensor([-torch.pi, torch.pi]))


def test_bad_poses_are_named():
    codec, poses = LocalSphericalCodec(), pose_of(random_angles(3))
    short = poses.clone()
    short[1, 3] = short[1, 2]
    with pytest.raises(ValueError, match='S1/Walking.*bone 2.*right_knee to right_ankle'):
        codec.encode(short, names=['a', 'S1/Walking, frame 7', 'b'])
    broken = poses.clone()
    broken[2, 4, 0] = float('nan')
    with pytest.raises(ValueError, match='pose 2.*not finite'):
        codec.encode(broken)
    with pytest.raises(ValueError, match='leave out index 9'):
        codec.encode(torch.zeros(2, 17, 3))


def test_parents_are_those_of_the_layout():
    assert PARENTS == (0, 1, 2, 0, 4, 5, 0, 7, 8, 8, 10, 11, 8, 13, 14)
    encoded = EncodedPose(*(torch.arange(4.0)[:, None] for _ in range(5)))
    assert encoded[torch.tensor([2])].lengths.tolist() == [[2.0]]
