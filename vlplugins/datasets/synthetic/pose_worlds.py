"""Two worlds of poses: one where people mostly stand, and one where every posture is as likely as any other."""

import pickle
from pathlib import Path
from typing import Dict, Tuple

import numpy as np
import torch

from vlplugins.datasets.human36m_lifting import CAMERA_NAMES, JOINTS_OF_32
from vlplugins.datasets.synthetic.base import SyntheticDataset
from vlplugins.datasets.threedpw_lifting import JOINTS_OF_SMPL
from vlplugins.models.layers.pose_generator.bones import LIMBS
from vlplugins.models.layers.pose_generator.codec import EncodedPose, LocalSphericalCodec
from vlplugins.registry import TASK_UTILS

# Average lengths in metres: hip, thigh, shank, lower and upper spine, head, shoulder, upper arm, forearm.
_LENGTHS = (0.13, 0.45, 0.44, 0.23, 0.25, 0.20, 0.15, 0.28, 0.25)
_OF_BONE = (0, 1, 2, 0, 1, 2, 3, 4, 5, 6, 7, 8, 6, 7, 8)
# Angles of a person who stands, degrees: (azimuth, elevation); 0 where a bone is not named.
_STANDING = {2: (-8, 0), 5: (-8, 0), 10: (-80, 0), 13: (-80, 0), 11: (0, 15), 14: (0, 15)}
_NOISE_DEG, _RARE = 8.0, 0.1
_FOCAL, _SIZE = 1145.0, (1000, 1000)
_ACTIONS = ('Directions', 'Walking')


@TASK_UTILS.register_module()
class SyntheticPoseWorlds(SyntheticDataset):
    """Writes poses of a standing world in the files of Human3.6M, and of a world of rare poses in those of 3DHP and
    3DPW.

    Signal: a pose is decoded from angles in the anatomical limits and bones of fixed lengths. Of the poses of ``S1``
    and ``S9``, nine in ten stand (angles normal about standing, 8 degrees) and one in ten is uniform in the limits; all
    poses of 3DHP and 3DPW are uniform. 2D poses are exact projections by one pinhole camera, so that nothing but the
    place of joints carries the answer, and the size of bones is the only key to depth. A lifter that has only seen
    ``S1`` knows standing people; poses made of its few seeds, weighed by how rare they are, stand in for those it has
    not seen. The people of the test sets are other draws. Chance (the mean training pose) is about 320 mm of MPJPE on
    the uniform set; a perfect model scores 0.

    Layout: ``data_3d_h36m.npz`` and ``data_2d_h36m_gt.npz`` of VideoPose3D (world coordinates, 32 joints; the unused
    ones are those of their neighbours), ``cameras.pkl`` of mmpose, ``test_3dhp.npz`` of PoseAug, and
    ``3dpw/sequenceFiles/test/*.pkl``.

    Args:
        root: Folder of the set.
        num_seeds: Different poses of ``S1``.
        turns: Headings and places that each of them is seen in.
        num_test: Poses of each test set, seen by one camera (3DHP) or four (``S9``: a quarter as many poses).
        num_3dpw: Frames of 3DPW.
        seed: Seed of all random choices.
    """

    version = 2

    def __init__(
        self,
        root: str,
        num_seeds: int = 128,
        turns: int = 8,
        num_test: int = 2000,
        num_3dpw: int = 200,
        seed: int = 0,
    ) -> None:
        super().__init__(root, seed)
        if min(num_seeds, turns, num_3dpw) < 2 or num_test < 8:
            raise ValueError(
                f'found num_seeds {num_seeds}, turns {turns}, num_3dpw {num_3dpw}, num_test {num_test}; '
                'expected at least 2, 2, 2 and 8'
            )
        self.num_seeds, self.turns, self.num_test, self.num_3dpw = num_seeds, turns, num_test, num_3dpw
        self.codec = LocalSphericalCodec()

    def write(self, folder: Path) -> None:
        """Write all files."""
        cameras = self._cameras()
        with open(folder / 'cameras.pkl', 'wb') as file:
            pickle.dump(cameras, file)
        takes = {'S1': self._people(self.num_seeds, self.turns, 1), 'S9': self._people(self.num_test // 4, 1, 2)}
        positions = {
            subject: dict(zip(_ACTIONS, np.array_split(world, len(_ACTIONS)))) for subject, world in takes.items()
        }
        screens = {
            subject: {
                action: [_pixels(_to_camera(world, cameras[subject, name]))[:, JOINTS_OF_32] for name in CAMERA_NAMES]
                for action, world in actions.items()
            }
            for subject, actions in positions.items()
        }
        metadata = dict(num_joints=16, keypoints_symmetry=[[4, 5, 6, 10, 11, 12], [1, 2, 3, 13, 14, 15]])
        np.savez(folder / 'data_3d_h36m.npz', positions_3d=np.array(positions, dtype=object))
        np.savez(
            folder / 'data_2d_h36m_gt.npz', positions_2d=np.array(screens, dtype=object), metadata=np.array(metadata)
        )
        generator = np.random.default_rng([self.seed, 3])
        points = self._before_camera(self._uniform(self.num_test, generator), generator)
        screen = 2 * _pixels(points) / _SIZE[0] - 1
        np.savez(folder / 'test_3dhp.npz', pose3d=points.astype(np.float32), pose2d=screen.astype(np.float32))
        self._write_3dpw(folder / '3dpw' / 'sequenceFiles' / 'test')

    def _poses(self, angles: np.ndarray) -> np.ndarray:
        """Poses ``[N, 16, 3]`` about the pelvis; axes are the person's left, up and front."""
        count = len(angles)
        lengths = torch.tensor(_LENGTHS)[list(_OF_BONE)].expand(count, 15)
        torso = torch.tensor([[-1.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0]]).expand(count, 4, 3)
        frames = torch.eye(3).expand(count, 2, 3, 3)
        body = EncodedPose(lengths, torch.from_numpy(angles).float(), torso, frames, torch.zeros(count, 1, 3))
        return self.codec.decode(body).numpy().astype(np.float64)

    def _limits(self) -> Tuple[np.ndarray, np.ndarray]:
        """Limits ``[11, 2]`` in radians; those of clavicles, which stay at rest, are 0."""
        limits = self.codec.limits.numpy().astype(np.float64)
        low, high = limits[..., 0].copy(), limits[..., 1].copy()
        for bone in set(LIMBS) - set(self.codec.movable):
            low[LIMBS.index(bone)] = high[LIMBS.index(bone)] = 0
        return low, high

    def _uniform(self, count: int, generator: np.random.Generator) -> np.ndarray:
        low, high = self._limits()
        return self._poses(generator.uniform(low, high, (count, *low.shape)))

    def _standing(self, count: int, generator: np.random.Generator) -> np.ndarray:
        """Angles of people nine of ten of whom stand."""
        low, high = self._limits()
        mean = np.zeros_like(low)
        for bone, angles in _STANDING.items():
            mean[LIMBS.index(bone)] = np.deg2rad(angles)
        standing = mean + np.deg2rad(_NOISE_DEG) * generator.normal(size=(count, *low.shape))
        rare = generator.uniform(low, high, (count, *low.shape))
        is_rare = generator.permutation(count) < round(_RARE * count)
        return np.where(is_rare[:, None, None], rare, np.clip(standing, low, high))

    def _people(self, count: int, turns: int, stream: int) -> np.ndarray:
        """Joints ``[count x turns, 32, 3]`` in the world (z up): each pose in several headings and places."""
        generator = np.random.default_rng([self.seed, stream])
        poses = np.repeat(self._poses(self._standing(count, generator)), turns, axis=0)
        # Left, up, front to the axes of the world.
        poses = poses[..., [0, 2, 1]] * (-1, 1, 1)
        yaw = generator.uniform(-np.pi, np.pi, len(poses))
        place = np.concatenate(
            [generator.normal(0, 0.2, (len(poses), 2)), generator.normal(0, 0.1, (len(poses), 1))], 1
        )
        world = _turn(poses, yaw, axis=2) + place[:, None] + (0, 0, 0.95)
        joints = np.zeros((len(world), 32, 3))
        nearest = np.abs(np.arange(32)[:, None] - np.array(JOINTS_OF_32)).argmin(axis=1)
        joints[:] = world[:, nearest]
        return joints.astype(np.float32)

    def _before_camera(self, poses: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Poses turned about the upright and placed 4 to 6 m before a camera."""
        count = len(poses)
        # Left, up, front to right, down, forward, facing the camera.
        turned = _turn(poses * (1, -1, -1), generator.uniform(-np.pi, np.pi, count), axis=1)
        place = np.stack(
            [generator.normal(0, 0.2, count), generator.normal(0, 0.1, count), generator.uniform(4, 6, count)], axis=1
        )
        return turned + place[:, None]

    def _cameras(self) -> Dict[Tuple[str, str], dict]:
        """Four cameras around the middle, 4 to 6 m from it, that look at it horizontally."""
        cameras = {}
        generator = np.random.default_rng([self.seed, 0])
        for subject in ('S1', 'S9'):
            for index, name in enumerate(CAMERA_NAMES):
                angle, distance = generator.uniform(-np.pi, np.pi), 4.25 + 0.5 * index
                forward = -np.array([np.cos(angle), np.sin(angle), 0])
                down = np.array([0.0, 0, -1])
                cameras[subject, name] = dict(
                    R=np.stack([np.cross(down, forward), down, forward], axis=1),
                    T=(-distance * forward + (0, 0, 0.95))[:, None],
                    c=np.array(_SIZE)[:, None] / 2.0,
                    f=np.full((2, 1), _FOCAL),
                    k=np.zeros((3, 1)),
                    p=np.zeros((2, 1)),
                    w=_SIZE[0],
                    h=_SIZE[1],
                    name=f'camera{index + 1}',
                    id=name,
                )
        return cameras

    def _write_3dpw(self, folder: Path) -> None:
        """One sequence; the camera is the world, and one frame in ten has none."""
        folder.mkdir(parents=True)
        generator = np.random.default_rng([self.seed, 4])
        points = self._before_camera(self._uniform(self.num_3dpw, generator), generator)
        joints = points[:, np.abs(np.arange(24)[:, None] - np.array(JOINTS_OF_SMPL)).argmin(axis=1)]
        valid = (np.arange(self.num_3dpw) % 10 > 0).astype(np.int64)
        detected = np.zeros((self.num_3dpw, 3, 18))
        matrix = np.array([[_FOCAL, 0, _SIZE[0] / 2], [0, _FOCAL, _SIZE[1] / 2], [0, 0, 1]])
        content = dict(
            sequence='downtown_synthetic_00',
            img_frame_ids=np.arange(self.num_3dpw),
            genders=['f'],
            poses=[np.zeros((self.num_3dpw, 72))],
            betas=[np.zeros(10)],
            trans=[np.zeros((self.num_3dpw, 3))],
            poses2d=[detected],
            jointPositions=[joints.reshape(self.num_3dpw, 72)],
            cam_poses=np.tile(np.eye(4), (self.num_3dpw, 1, 1)),
            cam_intrinsics=matrix,
            campose_valid=[valid],
        )
        with open(folder / 'downtown_synthetic_00.pkl', 'wb') as file:
            pickle.dump(content, file, protocol=2)


def _turn(points: np.ndarray, angles: np.ndarray, axis: int) -> np.ndarray:
    """Points ``[N, V, 3]`` turned about a coordinate axis by angles ``[N]``."""
    first, second = ((axis + 1) % 3, (axis + 2) % 3)
    cosine, sine = np.cos(angles)[:, None], np.sin(angles)[:, None]
    turned = points.copy()
    turned[..., first] = cosine * points[..., first] - sine * points[..., second]
    turned[..., second] = sine * points[..., first] + cosine * points[..., second]
    return turned


def _to_camera(world: np.ndarray, camera: dict) -> np.ndarray:
    return (world - camera['T'][:, 0]) @ camera['R']


def _pixels(points: np.ndarray) -> np.ndarray:
    return points[..., :2] / points[..., 2:] * _FOCAL + np.array(_SIZE) / 2
