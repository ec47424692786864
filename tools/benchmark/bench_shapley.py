"""Time interactions of coalitions against a loop over them, and draw their error against their cost.

Example: python tools/benchmark/bench_shapley.py --processor-time --threads 1 --out work_dirs/shapley_cost.png
For a score that is additive before its softmax (MatchedProbValue), and for one that runs an encoder of one block, of
random weights and positions, for each coalition (ReencodeValue), on the same scenes and boxes:
  sampled  SampledShapley with T samples;
  loop     the same samples, one coalition of patches at a time;
  hybrid   HybridShapley after its training: what its network is unsure of is sampled with the T of the claim. Its step
           has the backward pass of its loss.
Errors are those to many more samples, on scenes that the network has not seen, beside the standard deviation of the
interactions. Before anything is timed, the loop is shown to give the interactions of the tensors.
"""

import argparse
import functools
import math
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from rich.table import Table
from torch import Tensor, nn

from vlplugins.models.layers.hybrid_shapley import HybridShapley
from vlplugins.models.task_modules import MatchedProbValue, ReencodeValue, SampledShapley
from vlplugins.registry import MODELS
from vlplugins.utils.cli import friendly_errors
from vlplugins.utils.timing import Ratio, add_timing_arguments, median_seconds, print_ratios

VALUES = ('matched', 'reencode')
TITLES = dict(matched='MatchedProbValue', reencode='ReencodeValue')
GRID, TEXTS = 6, 12
# T of both claims, and of the samples of the hybrid estimator.
CLAIMED = 32


class Sizes(NamedTuple):
    """How much is measured: T stands for samples, ``teacher`` for those of the training of the hybrid estimator."""

    images: int
    boxes: int
    width: int
    samples: Tuple[int, ...]
    reference: int
    train_steps: int
    teacher: int
    draws: int


SIZES = dict(
    matched=Sizes(4, 16, 64, (8, 16, 32, 128), 4096, 300, 32, 8),
    reencode=Sizes(2, 8, 32, (8, 16, 32, 128), 512, 300, 8, 2),
)
QUICK = dict(matched=Sizes(1, 3, 16, (4, 32), 128, 2, 8, 2), reencode=Sizes(1, 2, 16, (2, 32), 64, 2, 2, 2))


class Scenes(NamedTuple):
    """A batch: ``tokens [B, n, D]``, ``texts [B, K, D]``, the ``own [B, 1]`` one, and boxes ``members [B, C, n]``."""

    tokens: Tensor
    texts: Tensor
    own: Tensor
    members: Tensor


class Point(NamedTuple):
    """One estimator: seconds of a step, mean absolute error, share of the interactions that were sampled."""

    name: str
    samples: int
    seconds: float
    error: float
    share: float = 1.0


class Measured(NamedTuple):
    """All of one value: points, deviation of the interactions, slope of log error in log T."""

    points: List[Point]
    deviation: float
    slope: float


def make_scenes(sizes: Sizes, seed: int, device: str) -> Scenes:
    """Noise with two rectangles of patches that look like a text each; the first is the own one. Boxes at random."""
    generator = torch.Generator().manual_seed(seed)
    texts = F.normalize(torch.randn(TEXTS, sizes.width, generator=torch.Generator().manual_seed(0)), dim=-1)
    kinds = torch.rand(sizes.images, TEXTS, generator=generator).argsort(dim=1)[:, :2]
    objects = _rectangles(sizes.images * 2, generator).unflatten(0, (sizes.images, 2))
    planted = torch.einsum('bon,bod->bnd', objects.float(), texts[kinds])
    tokens = 1.5 * planted + torch.randn(planted.shape, generator=generator) / math.sqrt(sizes.width)
    members = _rectangles(sizes.images * sizes.boxes, generator).unflatten(0, (sizes.images, sizes.boxes))
    batch = (tokens, texts.expand(sizes.images, -1, -1), kinds[:, :1], members)
    return Scenes(*(each.to(device) for each in batch))


def _rectangles(count: int, generator: torch.Generator) -> Tensor:
    """Members ``[N, n]`` of rectangles of 2 to 4 patches a side."""
    sides = torch.randint(2, 5, (count, 2, 1), generator=generator)
    begin = (torch.rand(count, 2, 1, generator=generator) * (GRID - sides + 1)).long()
    place = torch.arange(GRID)
    inside = (place >= begin) & (place < begin + sides)
    return (inside[:, 0, :, None] & inside[:, 1, None]).flatten(1)


def make_play(value: str, sizes: Sizes, device: str) -> Callable[[Scenes], Callable]:
    """From scenes to their game; of ``'reencode'`` with one random encoder for all."""
    if value == 'matched':
        return lambda scenes: MatchedProbValue().game(scenes.tokens, scenes.texts, scenes.own)
    torch.manual_seed(0)
    encoder = MODELS.build(dict(type='vlplugins.PatchEncoder', width=sizes.width, depth=1, heads=4, grid=(GRID, GRID)))
    # As long as a patch: with none, an image without patches has no direction, which a trained encoder gives it.
    nn.init.normal_(encoder.position, std=1 / math.sqrt(sizes.width))
    encoder.to(device).eval()

    def encode(patches: Tensor) -> Tensor:
        return encoder.encode(patches).mean(dim=1)

    return lambda scenes: ReencodeValue().game(scenes.tokens, scenes.texts, scenes.own, encode=encode)


def make_sampler(samples: int, seed: int = 0) -> SampledShapley:
    """An estimator whose chunks stay small beside the cache of a CPU."""
    return SampledShapley(num_samples=samples, seed=seed, chunk_size=512)


@torch.no_grad()
def loop_interactions(game_of: Callable[[int], Callable], coalitions: Tensor, subsets: Tensor) -> Tensor:
    """The baseline: interactions ``[B, C]``, every coalition of patches by itself.

    Args:
        game_of: From an image to its game alone.
        coalitions: ``[B, C, n]`` booleans.
        subsets: ``[B, C, T, n]`` booleans: those that a sampler drew.
    """
    found = torch.zeros(coalitions.shape[:2])
    for image in range(len(coalitions)):
        game = game_of(image)

        def score(mask: Tensor, game: Callable = game) -> float:
            return game(mask[None, None]).item()

        for index, coalition in enumerate(coalitions[image]):
            for subset in subsets[image, index]:
                without = score(subset)
                total = score(subset | coalition) - without
                for player in coalition.nonzero().flatten().tolist():
                    joined = subset.clone()
                    joined[player] = True
                    total -= score(joined) - without
                found[image, index] += total / subsets.size(2)
    return found


def loop_step(play: Callable, scenes: Scenes, sampler: SampledShapley) -> Tensor:
    """A step of the baseline, its drawing and its games included."""
    subsets = sampler.draw(scenes.members)
    parts = [Scenes(*(each[image : image + 1] for each in scenes)) for image in range(len(scenes.members))]
    return loop_interactions(lambda image: play(parts[image]), scenes.members, subsets)


def sampled_step(play: Callable, scenes: Scenes, sampler: SampledShapley, step: int = 0) -> Tensor:
    """Interactions ``[B, C]``, all at once."""
    return sampler.estimate(play(scenes), scenes.members, step).mean[..., 0]


def hybrid_result(
    model: HybridShapley, play: Callable, scenes: Scenes, step: int = 0, samples: int = CLAIMED
) -> Tuple[Tensor, Tensor, float]:
    """Interactions ``[B, C]``, loss, and share that was sampled."""
    sampler, game = make_sampler(samples), play(scenes)

    def sample(rows: Optional[Tensor]) -> Tensor:
        members = scenes.members
        if rows is not None:
            members = members.gather(1, rows[..., None].expand(-1, -1, members.size(2)))
        return sampler.estimate(game, members, step).mean

    own = scenes.texts.gather(1, scenes.own[..., None].expand(-1, -1, scenes.texts.size(2)))
    mask = torch.ones_like(scenes.members[..., :1])
    result = model((scenes.tokens, own, scenes.members), sample, mask)
    return result.interactions[..., 0], result.loss, result.logs['sample_ratio'].item()


def train_hybrid(play: Callable, sizes: Sizes, device: str) -> HybridShapley:
    """An estimator after so many steps on new scenes, in which everything is sampled."""
    torch.manual_seed(0)
    network = dict(type='vlplugins.TokenUNSIL', dim=sizes.width, grid=(GRID, GRID), hidden=64, depth=2)
    model = HybridShapley(network, warmup_iters=sizes.train_steps, budget=None).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for step in range(sizes.train_steps):
        optimizer.zero_grad()
        hybrid_result(model, play, make_scenes(sizes, 1000 + step, device), step, sizes.teacher)[1].backward()
        optimizer.step()
    return model


def check_equal(play: Callable, scenes: Scenes) -> None:
    """Show that loop and tensors give the same interactions.

    Raises:
        AssertionError: they do not.
    """
    sampler, few = make_sampler(2), scenes._replace(members=scenes.members[:, :4])
    torch.testing.assert_close(
        loop_step(play, few, sampler), sampled_step(play, few, sampler).cpu(), atol=2e-6, rtol=1e-3
    )


def measure(value: str, sizes: Sizes, args: argparse.Namespace) -> Measured:
    """Cost and error of all estimators of one value."""
    play, scenes = make_play(value, sizes, args.device), make_scenes(sizes, 1, args.device)
    check_equal(play, scenes)
    reference = sampled_step(play, scenes, make_sampler(sizes.reference, seed=1))
    model = train_hybrid(play, sizes, args.device)

    def train() -> None:
        model.zero_grad()
        hybrid_result(model, play, scenes)[1].backward()

    sides: Dict[str, Callable] = dict(hybrid=train)
    sides.update({str(T): functools.partial(sampled_step, play, scenes, make_sampler(T)) for T in sizes.samples})
    # The statistics of targets, which a step moves, stay as training left them.
    model.eval()
    times = median_seconds(sides, args.rounds, args.warm_up, args.clock)
    loops = {str(T): functools.partial(loop_step, play, scenes, make_sampler(T)) for T in sizes.samples}
    loop_times = median_seconds(loops, args.loop_rounds, 0, args.clock)
    points, errors = [], []
    for T in sizes.samples:
        draws = [sampled_step(play, scenes, make_sampler(T), 1 + draw) for draw in range(sizes.draws)]
        errors.append(torch.stack([(each - reference).abs().mean() for each in draws]).mean().item())
        points += [
            Point(name, T, side[str(T)], errors[-1]) for name, side in (('sampled', times), ('loop', loop_times))
        ]
    with torch.no_grad():
        found, _, share = hybrid_result(model, play, scenes)
    points.append(Point('hybrid', CLAIMED, times['hybrid'], (found - reference).abs().mean().item(), share))
    slope = float(np.polyfit(np.log(sizes.samples), np.log(errors), 1)[0])
    return Measured(points, reference.std().item(), slope)


def ratio_rows(value: str, measured: Measured) -> List[Ratio]:
    """Tensors against the loop, the hybrid estimator against the samples of the claim."""
    at = {(point.name, point.samples): point.seconds for point in measured.points}
    rows = []
    for name, T in at:
        if name == 'sampled':
            claim = '≤ 0.10' if (value, T) == ('matched', CLAIMED) else ''
            rows.append(Ratio(f'{TITLES[value]}, T={T}: sampled / loop', at[name, T], at['loop', T], claim))
    what = f'{TITLES[value]}: hybrid / sampled, T={CLAIMED}'
    claim = '≤ 0.50' if value == 'reencode' else ''
    return [*rows, Ratio(what, at['hybrid', CLAIMED], at['sampled', CLAIMED], claim)]


def error_table(found: Dict[str, Measured]) -> Table:
    """Error of each estimator beside the deviation of the interactions, and how many of its steps a loop takes."""
    table = Table(title='mean absolute errors (claims: hybrid ≤ 15 % of the deviation, slope -0.5 ± 0.1)')
    for heading in ('value', 'estimator', 'step', 'MAE', 'MAE / deviation', 'sampled', 'loop / step'):
        table.add_column(heading)
    for value, measured in found.items():
        loops = {point.samples: point.seconds for point in measured.points if point.name == 'loop'}
        for point in measured.points:
            if point.name != 'loop':
                cells = (
                    f'{1e3 * point.seconds:.1f} ms',
                    f'{point.error:.2e}',
                    f'{point.error / measured.deviation:.1%}',
                )
                table.add_row(
                    TITLES[value],
                    f'{point.name}, T={point.samples}',
                    *cells,
                    f'{point.share:.0%}',
                    f'{loops[point.samples] / point.seconds:.3g}',
                )
        table.add_row(TITLES[value], f'slope in log T {measured.slope:.2f}', '', f'deviation {measured.deviation:.2e}')
    return table


def draw(found: Dict[str, Measured], path: Path) -> None:
    """Error against cost, a panel for each value, as a picture at ``path``."""
    figure = Figure(figsize=(5.2 * len(found), 3.8), layout='constrained')
    for axes, (value, measured) in zip(figure.subplots(1, len(found), squeeze=False)[0], found.items()):
        for name, marker in (('loop', 's-'), ('sampled', 'o-'), ('hybrid', '*')):
            points = [point for point in measured.points if point.name == name]
            costs, errors = [p.seconds for p in points], [100 * p.error / measured.deviation for p in points]
            axes.loglog(costs, errors, marker, markersize=14 if name == 'hybrid' else 6, label=name)
            for point, cost, error in zip(points, costs, errors):
                text = f'T={point.samples}' if name != 'hybrid' else f'{point.share:.0%} sampled'
                axes.annotate(text, (cost, error), (5, 5), textcoords='offset points', fontsize=8)
        axes.margins(x=0.15)
        axes.set(title=TITLES[value], xlabel='seconds a step', ylabel='error, % of the deviation')
        axes.grid(alpha=0.3, which='both')
        axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--values', nargs='+', choices=VALUES, default=VALUES, help='which scores (default: both)')
    parser.add_argument(
        '--loop-rounds', type=int, default=1, help='timed rounds of the loop, which is slow (default: 1)'
    )
    parser.add_argument('--quick', action='store_true', help='tiny sizes, whose figures mean nothing')
    add_timing_arguments(parser, rounds=5, warm_up=1, clock=True)
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    sizes = QUICK if args.quick else SIZES
    found = {value: measure(value, sizes[value], args) for value in args.values}
    picture = args.out and args.out.with_suffix('.png')
    # The numbers stand beside the picture.
    args.out = args.out and args.out.with_suffix('.json')
    rows = [row for value, measured in found.items() for row in ratio_rows(value, measured)]
    console = print_ratios('Interactions of coalitions', rows, args)
    console.print(error_table(found))
    if picture:
        draw(found, picture)
        console.print(f'error against cost in {picture}')


if __name__ == '__main__':
    main()
