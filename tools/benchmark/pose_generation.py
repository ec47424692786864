"""Time the pose generator (ratios below 1: ours is faster).

Example: python tools/benchmark/pose_generation.py --parts poses mixture step
Measured:
  poses    encoding, decoding and projecting a batch, and the density of its angles under the mixture of all seeds,
           against a Python loop over poses that does the same in numpy; and poses with propensities a second;
  mixture  log density of 1,024 samples under 1,000 seeds in 18 angles against an explicit loop over seeds;
  step     a training step of SimpleBaseline on 1,024 real pairs with 1,024 generated ones, against one without, and
           against one on 2,048 real pairs.
Before anything is timed, both sides are shown to give the same numbers.
"""

import argparse
import math
from functools import partial
from typing import Any, Callable, List, Optional, Tuple

import numpy as np
import torch
from scipy.stats import norm
from torch import Tensor

from vlplugins.models.layers.pose_generator import PoseGenerator, project_to_2d
from vlplugins.models.layers.pose_generator.bones import LIMBS, NUM_FREE, PARENTS, TORSO
from vlplugins.models.layers.pose_generator.codec import EncodedPose, LocalSphericalCodec
from vlplugins.models.layers.pose_generator.propensity import mixture_log_prob, truncated_normal_log_prob
from vlplugins.registry import MODELS
from vlplugins.utils.cli import friendly_errors
from vlplugins.utils.timing import Ratio, add_timing_arguments, median_seconds, print_ratios

PARTS = ('poses', 'mixture', 'step')
CAMERA = (2.29, 2.29, 0.0, 0.0, -0.2, 0.24, -0.002, -0.001, -0.001)
LENGTHS = (0.13, 0.45, 0.44, 0.13, 0.45, 0.44, 0.23, 0.25, 0.20, 0.15, 0.28, 0.25, 0.15, 0.28, 0.25)
_CARRIER = {2: 1, 5: 4, 11: 10, 14: 13}


def make_poses(count: int, device: str = 'cpu', seed: int = 0) -> Tuple[Tensor, Tensor]:
    """Upright poses ``[N, 16, 3]`` 5 m before a camera, and the camera of each ``[N, 9]``."""
    codec = LocalSphericalCodec()
    low, high = codec.limits.unbind(dim=-1)
    angles = low + (high - low) * torch.rand(count, *low.shape, generator=torch.Generator().manual_seed(seed))
    angles[:, 3:5] = 0
    torso = torch.tensor([[-1.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0]]).expand(count, 4, 3)
    body = EncodedPose(
        torch.tensor(LENGTHS).expand(count, 15),
        angles,
        torso,
        torch.eye(3).expand(count, 2, 3, 3),
        torch.zeros(1, 1, 3),
    )
    poses = codec.decode(body) * torch.tensor([1.0, -1.0, -1.0]) + torch.tensor([0.0, 0.0, 5.0])
    return poses.to(device), torch.tensor(CAMERA, device=device).expand(count, 9)


def _frame(up: np.ndarray, left: np.ndarray) -> np.ndarray:
    up = up / np.linalg.norm(up)
    left = left - (left @ up) * up
    left = left / np.linalg.norm(left)
    return np.stack([left, up, np.cross(left, up)], axis=1)


def _turn(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    axis, cosine = np.cross(start, end), start @ end
    skew = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.eye(3) + skew + skew @ skew / (1 + cosine)


def round_trip_of_one(pose: np.ndarray, camera: np.ndarray, bases: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """The baseline: angles ``[11, 2]`` and the image ``[16, 2]`` of one pose, bone by bone, in double precision."""
    bones = pose[1:] - pose[list(PARENTS)]
    lower, upper = _frame(pose[7] - pose[0], pose[4] - pose[1]), _frame(pose[8] - pose[7], pose[10] - pose[13])
    frames, angles, units = {}, np.zeros((len(LIMBS), 2)), np.zeros((15, 3))
    for bone in TORSO:
        units[bone] = bones[bone] / np.linalg.norm(bones[bone])
    for row, bone in enumerate(LIMBS):
        basis = bases[row]
        if row < NUM_FREE:
            frames[bone] = lower if bone in (1, 4) else upper
        else:
            above = _CARRIER[bone]
            rest = frames[above] @ bases[LIMBS.index(above)][:, 0]
            frames[bone] = _turn(rest, units[above]) @ frames[above]
        direction = basis.T @ frames[bone].T @ (bones[bone] / np.linalg.norm(bones[bone]))
        azimuth = math.atan2(direction[1], direction[0])
        elevation = math.atan2(direction[2], math.hypot(direction[0], direction[1]))
        angles[row] = azimuth, elevation
        flat = math.cos(elevation)
        values = np.array([flat * math.cos(azimuth), flat * math.sin(azimuth), math.sin(elevation)])
        units[bone] = frames[bone] @ basis @ values
    joints = np.zeros((16, 3))
    joints[0] = pose[0]
    for bone, parent in enumerate(PARENTS):
        joints[bone + 1] = joints[parent] + np.linalg.norm(bones[bone]) * units[bone]
    return angles, _project_one(joints, camera)


def _project_one(joints: np.ndarray, camera: np.ndarray) -> np.ndarray:
    focal, centre, radial, tangential = camera[:2], camera[2:4], camera[4:7], camera[7:]
    flat = np.clip(joints[:, :2] / joints[:, 2:], -1, 1)
    square = (flat**2).sum(axis=1, keepdims=True)
    factor = 1 + radial[0] * square + radial[1] * square**2 + radial[2] * square**3
    factor = factor + (flat @ tangential)[:, None]
    return focal * (flat * factor + tangential * square) + centre


def log_density_of_one(
    values: np.ndarray, seeds: np.ndarray, std: float, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """The baseline: log densities ``[K]`` of one posture, a marginal mixture over the seeds for each bone."""
    mass = norm.cdf((high - seeds) / std) - norm.cdf((low - seeds) / std)
    log_prob = -0.5 * ((values - seeds) / std) ** 2 - 0.5 * math.log(2 * math.pi) - math.log(std) - np.log(mass)
    by_bone = log_prob.reshape(len(seeds), -1, 2).sum(axis=2)
    top = by_bone.max(axis=0)
    return top + np.log(np.exp(by_bone - top).sum(axis=0)) - math.log(len(seeds))


def poses_rows(args: argparse.Namespace) -> List[Ratio]:
    """A batch of poses there and back with its densities, against the loop; and poses a second."""
    codec = LocalSphericalCodec().to(args.device)
    poses, cameras = make_poses(args.batch_size, args.device)
    seeds, _ = make_poses(args.seeds, args.device, seed=1)
    means, limits = codec.movable_angles(codec.encode(seeds).angles), codec.movable_limits
    std = means.new_full((1,), math.radians(20))

    def ours(batch: Tensor = poses, views: Tensor = cameras) -> Tuple[Tensor, Tensor, Tensor]:
        encoded = codec.encode(batch, check=False)
        seen = project_to_2d(codec.decode(encoded), views)
        values, _ = codec.clamp(codec.movable_angles(encoded.angles))
        return encoded.angles, seen, mixture_log_prob(values, means, std, *limits, groups=9)

    arrays = [each.double().cpu().numpy() for each in (poses, codec.bases, means, *limits)]
    rows = codec.movable_rows.cpu().numpy()

    def loop(count: int) -> List[Any]:
        made = []
        for pose in arrays[0][:count]:
            angles, seen = round_trip_of_one(pose, np.array(CAMERA), arrays[1])
            values = np.clip(angles[rows].reshape(-1), arrays[3], arrays[4])
            made.append((angles, seen, log_density_of_one(values, arrays[2], math.radians(20), *arrays[3:])))
        return made

    # The loop is timed on a part, and counted for all.
    part = min(args.loop_poses, args.batch_size)
    expected = [torch.from_numpy(np.stack(each)).float() for each in zip(*loop(part))]
    for found, wanted in zip(ours(), expected):
        torch.testing.assert_close(found[:part].cpu(), wanted, atol=2e-3, rtol=1e-3)
    times = median_seconds(dict(ours=ours, baseline=partial(loop, part)), args.rounds, args.warm_up)
    baseline = times['baseline'] * args.batch_size / part
    return [Ratio(f'{args.batch_size:,} poses, {args.seeds} seeds / loop', times['ours'], baseline, '≤ 0.02')]


def poses_per_second(args: argparse.Namespace) -> float:
    """Poses of the whole generator with weights in a second, measured on ``num_poses`` of them."""
    generator = PoseGenerator().to(args.device)
    generator.set_seeds(*make_poses(args.seeds, args.device, seed=1))
    rng = torch.Generator(args.device).manual_seed(0)

    def make() -> None:
        for _ in range(max(1, args.num_poses // args.batch_size)):
            generator(args.batch_size, rng)

    seconds = median_seconds(dict(ours=make), 1, 1 if args.warm_up else 0)['ours']
    return max(1, args.num_poses // args.batch_size) * args.batch_size / seconds


def mixture_rows(args: argparse.Namespace) -> List[Ratio]:
    """The exact density of 18 angles against a loop over seeds."""
    codec = LocalSphericalCodec().to(args.device)
    low, high = codec.movable_limits
    rng = torch.Generator(args.device).manual_seed(0)

    def draw(count: int) -> Tensor:
        return low + (high - low) * torch.rand(count, 18, generator=rng, device=args.device)

    values, means = draw(args.samples), draw(args.mixture_seeds)
    std = means.new_full((1,), math.radians(20))

    def loop() -> Tensor:
        rows = [truncated_normal_log_prob(values, mean, std, low, high).sum(dim=1) for mean in means]
        return torch.stack(rows).logsumexp(dim=0) - math.log(len(means))

    ours = partial(mixture_log_prob, values, means, std, low, high)
    torch.testing.assert_close(ours()[:, 0], loop().float(), atol=1e-4, rtol=1e-5)
    times = median_seconds(dict(ours=ours, baseline=loop), args.rounds, args.warm_up)
    what = f'mixture, {args.mixture_seeds:,} seeds x {args.samples:,} samples x 18 / loop over seeds'
    return [Ratio(what, times['ours'], times['baseline'], '≤ 1')]


def _step_of(online: bool, count: int, generated: int, args: argparse.Namespace) -> Callable[[], None]:
    torch.manual_seed(0)
    kernels, blocks = (1, 1, 1), 2
    backbone = dict(
        type='mmpose.TCN', in_channels=32, stem_channels=args.channels, num_blocks=blocks, kernel_sizes=kernels
    )
    model = MODELS.build(
        dict(
            type='PoseGULifter',
            backbone=backbone,
            head=dict(type='PoseLiftHead', in_channels=args.channels),
            generator=dict(type='PoseGenerator') if online else None,
            crm_loss=dict(type='CounterfactualRiskLoss') if online else None,
            online=online,
            num_generated=generated or None,
        )
    ).to(args.device)
    if online:
        model.generator.set_seeds(*make_poses(args.seeds, args.device, seed=1))
    poses, cameras = make_poses(count, args.device)
    targets = dict(
        keypoints_3d=poses - poses[:, :1],
        weight=torch.ones(count, device=args.device),
        is_generated=torch.zeros(count, dtype=torch.bool, device=args.device),
    )
    inputs = project_to_2d(poses, cameras).flatten(1)[..., None]
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)

    def step() -> None:
        loss, _ = model.parse_losses(model(inputs, targets=targets, mode='loss'))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def step_rows(args: argparse.Namespace) -> List[Ratio]:
    """A training step with generated pairs against steps on real pairs alone."""
    count = args.step_size
    sides = dict(
        ours=_step_of(True, count, count, args),
        without=_step_of(False, count, 0, args),
        as_many=_step_of(False, 2 * count, 0, args),
    )
    times = median_seconds(sides, args.rounds, args.warm_up)
    return [
        Ratio(f'step, {count:,} real + {count:,} generated / {count:,} real', times['ours'], times['without']),
        Ratio(f'step, {count:,} real + {count:,} generated / {2 * count:,} real', times['ours'], times['as_many']),
    ]


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--parts', nargs='+', choices=PARTS, default=PARTS, help='what to measure (default: all)')
    parser.add_argument('--batch-size', type=int, default=4096, help='poses at a time (default: 4096)')
    parser.add_argument('--num-poses', type=int, default=100_000, help='poses generated in all (default: 100,000)')
    parser.add_argument('--loop-poses', type=int, default=256, help='poses that the loop is timed on (default: 256)')
    parser.add_argument('--seeds', type=int, default=128, help='seed poses (default: 128)')
    parser.add_argument('--samples', type=int, default=1024, help='samples of the mixture (default: 1024)')
    parser.add_argument('--mixture-seeds', type=int, default=1000, help='seeds of the mixture (default: 1000)')
    parser.add_argument('--step-size', type=int, default=1024, help='real pairs of a step (default: 1024)')
    parser.add_argument('--channels', type=int, default=1024, help='channels of the lifter (default: 1024)')
    add_timing_arguments(parser, rounds=7)
    return parser.parse_args(argv)


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Measure and print."""
    args = parse_args(argv)
    torch.set_num_threads(args.threads)
    rows: List[Ratio] = []
    measures = dict(poses=poses_rows, mixture=mixture_rows, step=step_rows)
    for part in args.parts:
        rows += measures[part](args)
    console = print_ratios('Pose generation', rows, args)
    if 'poses' in args.parts:
        console.print(f'{poses_per_second(args):,.0f} poses a second with weights (of {args.num_poses:,})')


if __name__ == '__main__':
    main()
