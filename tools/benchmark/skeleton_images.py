"""Benchmark of skeleton images: encoding against a loop over frames and joints, AFE-CNN against mmaction2's ST-GCN.

Example: python tools/benchmark/skeleton_images.py --threads 1
Ratios are times of ours over the baseline, below 1 is faster. Before timing, both encodings must agree to 1e-6, and the
network must give an absent person the map of none, and after ``switch_to_deploy`` what it gave before. The networks get
a clip of two persons: AFE-CNN 64 rows at key times of it, the graph networks the 100 frames of mmaction2's configs
(--frames). Batch normalisation is folded into the convolutions of the graph networks too, where it follows one.
"""

import argparse
import copy
import math
from functools import partial
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
import torch
from mmengine.dataset import Compose
from mmengine.registry import MODELS, init_default_scope
from rich.table import Table
from torch import nn

import vlplugins  # noqa: F401  (checks versions and installs the workarounds)
from vlplugins.datasets.synthetic.kinematics import forward_kinematics
from vlplugins.datasets.synthetic.skeleton_actions import PERSON_OFFSETS, PERSON_PARENTS
from vlplugins.datasets.transforms import (
    BodyFrameNormalize,
    BoneVectorEnhance,
    KeyFrameEnhance,
    KeyJointEnhance,
    SanitizeSkeleton,
    SkeletonImageEncode,
    TemporalEnhance,
)
from vlplugins.models.complexity import model_costs
from vlplugins.models.layers.merged_branches import fold_normalization
from vlplugins.structures.skeleton_layout import NTU25
from vlplugins.utils.cli import friendly_errors
from vlplugins.utils.timing import Ratio, add_timing_arguments, median_seconds, print_ratios

PARTS = ('encoding', 'network')
ROWS, SCALES = 64, (1, 4)


def make_clip(frames: int, persons: int = 2) -> np.ndarray:
    """Persons ``[M, T, 25, 3]`` in metres who lift an arm, with noise."""
    generator = np.random.default_rng(0)
    swing = np.sin(np.linspace(0, 3, frames))[:, None]
    clips = []
    for person in range(persons):
        turns = {8 - 4 * person: swing * np.array([1.5 - person, 0, 0])}
        clips.append(
            forward_kinematics(PERSON_PARENTS, np.array(PERSON_OFFSETS), turns, frames) + [1.0 * person, 0, 3.0]
        )
    return np.stack(clips) + generator.normal(0, 0.004, (persons, frames, 25, 3))


def prepared(frames: int) -> Dict[str, Any]:
    """A normalised clip with its key times."""
    results = SanitizeSkeleton()(dict(keypoint=make_clip(frames), frame_dir='clip'))
    return KeyFrameEnhance(length=ROWS)(BodyFrameNormalize('nturgb+d')(results))


def encode(results: Dict[str, Any], pipeline: Any) -> np.ndarray:
    """Our image ``[1, M, 24, L, 25]``."""
    return pipeline(dict(results))['keypoint']


def loop_encode(results: Dict[str, Any]) -> np.ndarray:
    """The same image, one row, joint and coordinate after the other, in plain Python."""
    points, times = results['keypoint'].tolist(), results['key_times'][0].tolist()
    last = len(points[0]) - 1
    image = np.zeros((1, len(points), 24, ROWS, NTU25.num_joints), dtype=np.float32)
    for person, track in enumerate(points):
        for row, time in enumerate(times):
            low = min(max(int(time), 0), max(last - 1, 0))
            share = time - low
            for column, joint in enumerate(NTU25.order):
                one = _features_of(track, points[0], low, joint, last)
                two = _features_of(track, points[0], min(low + 1, last), joint, last)
                for channel, (a, b) in enumerate(zip(one, two)):
                    image[0, person, channel, row, column] = min(max((1 - share) * a + share * b, -4.0), 4.0)
    return image


def _features_of(track: Any, main: Any, frame: int, joint: int, last: int) -> List[float]:
    here = track[frame][joint]
    features = [0.5 * (here[i] - main[frame][key][i]) for key in NTU25.key_joints for i in range(3)]
    bone = [here[i] - track[frame][NTU25.parents[joint]][i] for i in range(3)]
    length = math.sqrt(sum(each * each for each in bone))
    features += [each / length if length > 1e-6 else 0.0 for each in bone]
    for scale in SCALES:
        before, after = max(frame - scale, 0), min(frame + scale, last)
        features += [8 * (track[after][joint][i] - track[before][joint][i]) / (after - before) for i in range(3)]
    return features


def encoding_rows(args: argparse.Namespace) -> List[Ratio]:
    """Ours against the loop, for two persons.

    Raises:
        AssertionError: the images differ.
    """
    steps = [KeyJointEnhance(), BoneVectorEnhance(), TemporalEnhance(scales=SCALES), SkeletonImageEncode()]
    results, pipeline = prepared(args.frames), Compose(steps)
    np.testing.assert_allclose(encode(results, pipeline), loop_encode(results), atol=1e-6)
    sides = dict(ours=partial(encode, results, pipeline), baseline=partial(loop_encode, results))
    times = median_seconds(sides, args.rounds, args.warm_up)
    return [Ratio(f'encoding, 2 x {args.frames} frames / loop', times['ours'], times['baseline'], '≤ 0.05')]


def build_networks(frames: int = 100) -> Dict[str, Tuple[nn.Module, Tuple[int, ...]]]:
    """Networks in evaluation mode, and the shape of a clip of two persons for each."""
    init_default_scope('vlplugins')
    graph = dict(layout='nturgb+d', mode='spatial')
    plus = dict(type='mmaction.STGCN', gcn_adaptive='init', gcn_with_res=True, tcn_type='mstcn', graph_cfg=graph)
    plain = dict(type='mmaction.STGCN', graph_cfg=dict(layout='nturgb+d', mode='stgcn_spatial'))
    image, joints = (2, 24, ROWS, 25), (2, frames, 25, 3)
    configs = {
        'AFE-CNN': (dict(type='AFECNN'), image),
        'AFE-CNN, small': (dict(type='AFECNN', widths=(16, 32, 64)), image),
        'ST-GCN++': (plus, joints),
        'ST-GCN': (plain, joints),
    }
    torch.manual_seed(0)
    return {name: (MODELS.build(cfg).eval(), shape) for name, (cfg, shape) in configs.items()}


def check_absent_person(model: nn.Module, device: str = 'cpu') -> None:
    """A person beside an absent one has the map that they have alone.

    Raises:
        AssertionError: they have another.
    """
    image = torch.randn(1, 2, 24, ROWS, 25, device=device)
    image[:, 1] = 0
    with torch.inference_mode():
        for both, alone in zip(model(image), model(image[:, :1])):
            torch.testing.assert_close(both[:, :1], alone)
            assert not both[:, 1].any()


def deployed(name: str, model: nn.Module, inputs: torch.Tensor) -> nn.Module:
    """A copy of a network made fast for inference.

    Raises:
        AssertionError: its outputs are others.
    """
    fast = copy.deepcopy(model)
    if name.startswith('AFE'):
        fast.switch_to_deploy()
    else:
        fold_normalization(fast)
    with torch.inference_mode():
        torch.testing.assert_close(fast(inputs), model(inputs), atol=1e-4, rtol=1e-4)
    return fast


def network_rows(args: argparse.Namespace) -> Tuple[List[Ratio], Table]:
    """Latency of one clip against the graph networks, and with one person against two; operations and parameters."""
    networks = build_networks(args.frames)
    sides, inputs = {}, {}
    for name, (model, shape) in networks.items():
        inputs[name] = torch.randn(1, *shape, device=args.device)
        fast = deployed(name, model.to(args.device), inputs[name])
        sides[name] = partial(_forward, fast, inputs[name])
    for model in (networks['AFE-CNN'][0], sides['AFE-CNN'].args[0]):
        check_absent_person(model, args.device)
    sides['as trained'] = partial(_forward, networks['AFE-CNN'][0], inputs['AFE-CNN'])
    one = inputs['AFE-CNN'].clone()
    one[:, 1] = 0
    sides['one person'] = partial(_forward, sides['AFE-CNN'].args[0], one)
    times = median_seconds(sides, args.rounds, args.warm_up)
    rows = [
        Ratio('AFE-CNN / ST-GCN++, 2 persons', times['AFE-CNN'], times['ST-GCN++'], '≤ 0.125'),
        Ratio('AFE-CNN / ST-GCN, 2 persons', times['AFE-CNN'], times['ST-GCN']),
        Ratio('AFE-CNN, small / ST-GCN++', times['AFE-CNN, small'], times['ST-GCN++']),
        Ratio('AFE-CNN, 1 person / 2 persons', times['one person'], times['AFE-CNN'], '≤ 0.65'),
        Ratio('AFE-CNN deployed / as trained', times['AFE-CNN'], times['as trained']),
    ]
    return rows, cost_table(networks, times)


def cost_table(networks: Dict[str, Tuple[nn.Module, Tuple[int, ...]]], times: Dict[str, float]) -> Table:
    """Parameters and multiply-adds of the networks as trained, and clips a second as deployed."""
    table = Table(title='Cost of one clip of two persons, without classifier')
    for heading in ('network', 'parameters', 'multiply-adds', 'clips a second'):
        table.add_column(heading, justify='left' if heading == 'network' else 'right')
    for name, (model, shape) in networks.items():
        (cost,) = model_costs(_counted(name, model).cpu(), shape).values()
        table.add_row(name, f'{cost.parameters:,}', f'{cost.flops / 1e6:.0f} M', f'{1 / times[name]:.1f}')
    return table


def _counted(name: str, model: nn.Module) -> nn.Module:
    """The counter feeds zeros, which are absent persons to the sparse network."""
    if name.startswith('AFE'):
        model.dense = True
    return model


@torch.inference_mode()
def _forward(model: nn.Module, inputs: torch.Tensor) -> Any:
    return model(inputs)


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--parts', nargs='+', choices=PARTS, default=PARTS, help='what to measure (default: all)')
    parser.add_argument('--frames', type=int, default=100, help='frames of a clip (default: 100)')
    add_timing_arguments(parser, threads=1)
    return parser.parse_args(argv)


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Measure and print."""
    args = parse_args(argv)
    torch.set_num_threads(args.threads)
    rows, costs = [], None
    if 'encoding' in args.parts:
        rows += encoding_rows(args)
    if 'network' in args.parts:
        measured, costs = network_rows(args)
        rows += measured
    console = print_ratios('Skeleton images', rows, args)
    if costs is not None:
        console.print(costs)


if __name__ == '__main__':
    main()
