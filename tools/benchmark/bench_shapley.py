"""Time interactions of coalitions against a loop over them, and draw their error against their cost.

Example: python tools/benchmark/bench_shapley.py --processor-time --threads 1 --figure work_dirs/interaction_error.png
For a score that is additive before its softmax (MatchedProbValue), on 6 x 6 patches, and for one that runs an encoder
of one block for each coalition (ReencodeValue), on 4 x 4. The weights of the encoder are random, scaled to what
training makes of one: its branches change a patch a little, all images share a direction, and a text is what the
encoder makes of an image full of its kind. On the same scenes and boxes:
  sampled  SampledShapley with T samples;
  loop     the same samples, one coalition of patches at a time;
  hybrid   HybridShapley after its training: what its network is unsure of is sampled with the T of the claim. Its step
           has the backward pass of its loss. As in an algorithm, its network sees patches and texts in one space.
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
from matplotlib.ticker import LogLocator
from rich.table import Table
from torch import Tensor

from vlplugins.models.layers.hybrid_shapley import HybridShapley
from vlplugins.models.task_modules import MatchedProbValue, ReencodeValue, SampledShapley
from vlplugins.models.task_modules.coalitions import estimate_groups
from vlplugins.registry import MODELS
from vlplugins.utils.cli import friendly_errors
from vlplugins.utils.timing import Ratio, add_timing_arguments, median_seconds, print_ratios

VALUES = ('matched', 'reencode')
TITLES = dict(matched='MatchedProbValue', reencode='ReencodeValue')
TEXTS = 12
# Length of an object's patch, beside noise of about 1.
STRENGTH = 1.5
# T of both claims, and of the samples of the hybrid estimator.
CLAIMED = 32


class Sizes(NamedTuple):
    """How much is measured: T stands for samples, ``teacher`` for those of the training of the hybrid estimator.

    ``train_images`` and ``train_boxes`` are a batch of this training.
    """

    grid: int
    images: int
    boxes: int
    train_images: int
    train_boxes: int
    width: int
    samples: Tuple[int, ...]
    reference: int
    train_steps: int
    teacher: int
    draws: int


SIZES = dict(
    matched=Sizes(6, 4, 16, 12, 4, 64, (8, 16, 32, 128), 4096, 300, 32, 8),
    reencode=Sizes(4, 4, 8, 32, 4, 32, (8, 16, 32, 128), 512, 300, 16, 2),
)
QUICK = dict(
    matched=Sizes(6, 1, 3, 2, 2, 16, (4, 32), 128, 2, 8, 2), reencode=Sizes(4, 1, 2, 2, 2, 16, (2, 32), 64, 2, 2, 2)
)


class Scenes(NamedTuple):
    """A batch: ``tokens [B, n, D]``, the ``own [B, 1]`` kind of object, and boxes ``members [B, C, n]``."""

    tokens: Tensor
    own: Tensor
    members: Tensor


class Setting(NamedTuple):
    """How scenes are played with one value, and what an estimator sees of them.

    Attributes:
        game: From scenes to their game.
        features: From scenes to patches ``[B, n, D]`` and own texts ``[B, 1, D]``, in one space.
    """

    game: Callable[[Scenes], Callable]
    features: Callable[[Scenes], Tuple[Tensor, Tensor]]


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


def kinds_of_objects(width: int) -> Tensor:
    """What a patch of each kind looks like, ``[K, D]``, of length 1."""
    return F.normalize(torch.randn(TEXTS, width, generator=torch.Generator().manual_seed(0)), dim=-1)


def make_scenes(sizes: Sizes, seed: int, device: str) -> Scenes:
    """Noise with two rectangles of patches of a kind each; the first is the own one. Boxes at random."""
    generator = torch.Generator().manual_seed(seed)
    looks = kinds_of_objects(sizes.width)
    kinds = torch.rand(sizes.images, TEXTS, generator=generator).argsort(dim=1)[:, :2]
    objects = _rectangles(sizes.images * 2, sizes.grid, generator).unflatten(0, (sizes.images, 2))
    planted = torch.einsum('bon,bod->bnd', objects.float(), looks[kinds])
    tokens = STRENGTH * planted + torch.randn(planted.shape, generator=generator) / math.sqrt(sizes.width)
    members = _rectangles(sizes.images * sizes.boxes, sizes.grid, generator).unflatten(0, (sizes.images, sizes.boxes))
    return Scenes(*(each.to(device) for each in (tokens, kinds[:, :1], members)))


def _rectangles(count: int, grid: int, generator: torch.Generator) -> Tensor:
    """Members ``[N, n]`` of rectangles from 2 patches to a little above half of the grid a side."""
    sides = torch.randint(2, grid // 2 + 2, (count, 2, 1), generator=generator)
    begin = (torch.rand(count, 2, 1, generator=generator) * (grid - sides + 1)).long()
    place = torch.arange(grid)
    inside = (place >= begin) & (place < begin + sides)
    return (inside[:, 0, :, None] & inside[:, 1, None]).flatten(1)


def make_setting(value: str, sizes: Sizes, device: str) -> Setting:
    """Of ``'reencode'`` with one random encoder for all scenes."""
    looks = kinds_of_objects(sizes.width).to(device)
    if value == 'matched':
        return Setting(
            lambda scenes: MatchedProbValue().game(scenes.tokens, looks.expand(len(scenes.own), -1, -1), scenes.own),
            lambda scenes: (scenes.tokens, looks[scenes.own]),
        )
    torch.manual_seed(0)
    grid = (sizes.grid, sizes.grid)
    encoder = MODELS.build(dict(type='vlplugins.PatchEncoder', width=sizes.width, depth=1, heads=1, grid=grid))
    (block,) = encoder.blocks.resblocks
    for branch in (block.attn.out_proj, block.mlp.c_proj):
        branch.weight.data *= 0.3
    # Without a direction that all images share the first patch decides that of an image alone.
    shared = F.normalize(torch.randn(sizes.width), dim=0)
    encoder.position.data = 2 * shared + 0.3 / math.sqrt(sizes.width) * torch.randn_like(encoder.position)
    encoder.to(device).eval().requires_grad_(False)

    def encode(patches: Tensor) -> Tensor:
        return encoder.encode(patches).mean(dim=1)

    # As contrast would train them; what all kinds share tells none from another.
    texts = encode(STRENGTH * looks[:, None].expand(-1, sizes.grid**2, -1))
    texts = F.normalize(texts - texts.mean(dim=0), dim=-1)
    return Setting(
        lambda scenes: ReencodeValue(gain=16.0).game(
            scenes.tokens, texts.expand(len(scenes.own), -1, -1), scenes.own, encode=encode
        ),
        lambda scenes: (encoder.encode(scenes.tokens), texts[scenes.own]),
    )


def make_sampler(samples: int, seed: int = 0) -> SampledShapley:
    """An estimator whose chunks stay in the cache of a CPU."""
    return SampledShapley(num_samples=samples, seed=seed, chunk_size=128)


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


def loop_step(setting: Setting, scenes: Scenes, sampler: SampledShapley) -> Tensor:
    """A step of the baseline, its drawing and its games included."""
    subsets = sampler.draw(scenes.members)
    parts = [Scenes(*(each[image : image + 1] for each in scenes)) for image in range(len(scenes.members))]
    return loop_interactions(lambda image: setting.game(parts[image]), scenes.members, subsets)


def sampled_step(setting: Setting, scenes: Scenes, sampler: SampledShapley, step: int = 0) -> Tensor:
    """Interactions ``[B, C]``, all at once."""
    return sampler.estimate(setting.game(scenes), scenes.members, step).mean[..., 0]


def hybrid_result(
    model: HybridShapley, setting: Setting, scenes: Scenes, step: int = 0, samples: int = CLAIMED
) -> Tuple[Tensor, Tensor, float]:
    """Interactions ``[B, C]``, loss, and share that was sampled."""
    sampler, game = make_sampler(samples), setting.game(scenes)

    def sample(rows: Optional[Tensor]) -> Tensor:
        return estimate_groups(sampler, game, scenes.members[:, :, None], rows, step).squeeze(-2)

    mask = torch.ones_like(scenes.members[..., :1])
    result = model((*setting.features(scenes), scenes.members), sample, mask)
    return result.interactions[..., 0], result.loss, result.logs['sample_ratio'].item()


def train_hybrid(setting: Setting, sizes: Sizes, device: str) -> HybridShapley:
    """An estimator after so many steps on new scenes, in which everything is sampled."""
    torch.manual_seed(0)
    grid, width = (sizes.grid, sizes.grid), sizes.width
    network = dict(type='vlplugins.TokenUNSIL', dim=width, grid=grid, hidden=width, depth=1)
    # Between the default and that of the demo: the errors of both games stay below what is claimed.
    model = HybridShapley(network, threshold=1.5, warmup_iters=sizes.train_steps, budget=None).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, sizes.train_steps)
    batch = sizes._replace(images=sizes.train_images, boxes=sizes.train_boxes)
    for step in range(sizes.train_steps):
        optimizer.zero_grad()
        hybrid_result(model, setting, make_scenes(batch, 1000 + step, device), step, sizes.teacher)[1].backward()
        optimizer.step()
        schedule.step()
    return model


def check_equal(setting: Setting, scenes: Scenes) -> None:
    """Show that loop and tensors give the same interactions.

    Raises:
        AssertionError: they do not.
    """
    sampler, few = make_sampler(2), scenes._replace(members=scenes.members[:, :4])
    torch.testing.assert_close(
        loop_step(setting, few, sampler), sampled_step(setting, few, sampler).cpu(), atol=2e-6, rtol=1e-3
    )


def measure(value: str, sizes: Sizes, args: argparse.Namespace) -> Measured:
    """Cost and error of all estimators of one value."""
    setting, scenes = make_setting(value, sizes, args.device), make_scenes(sizes, 1, args.device)
    check_equal(setting, scenes)
    reference = sampled_step(setting, scenes, make_sampler(sizes.reference, seed=1))
    model = train_hybrid(setting, sizes, args.device)

    def train() -> None:
        model.zero_grad()
        hybrid_result(model, setting, scenes)[1].backward()

    samplers = {str(T): make_sampler(T) for T in sizes.samples}
    sides: Dict[str, Callable] = dict(hybrid=train)
    sides.update({name: functools.partial(sampled_step, setting, scenes, each) for name, each in samplers.items()})
    # The statistics of targets, which a step moves, stay as training left them.
    model.eval()
    times = median_seconds(sides, args.rounds, args.warm_up, args.clock)
    loops = {name: functools.partial(loop_step, setting, scenes, each) for name, each in samplers.items()}
    loop_times = median_seconds(loops, args.loop_rounds, 0, args.clock)
    points, errors = [], []
    for T in sizes.samples:
        draws = [sampled_step(setting, scenes, samplers[str(T)], 1 + draw) for draw in range(sizes.draws)]
        errors.append(torch.stack([(each - reference).abs().mean() for each in draws]).mean().item())
        points += [
            Point(name, T, side[str(T)], errors[-1]) for name, side in (('sampled', times), ('loop', loop_times))
        ]
    with torch.no_grad():
        found, _, share = hybrid_result(model, setting, scenes)
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
    """Error against cost, in steps of the samples of the claim, a panel for each value, as a picture at ``path``."""
    figure = Figure(figsize=(5.2 * len(found), 3.8), layout='constrained')
    for axes, (value, measured) in zip(figure.subplots(1, len(found), squeeze=False)[0], found.items()):
        (unit,) = (point.seconds for point in measured.points if point[:2] == ('sampled', CLAIMED))
        for name, marker in (('loop', 's-'), ('sampled', 'o-'), ('hybrid', '*')):
            points = [point for point in measured.points if point.name == name]
            costs, errors = [p.seconds / unit for p in points], [100 * p.error / measured.deviation for p in points]
            axes.loglog(costs, errors, marker, markersize=14 if name == 'hybrid' else 6, label=name)
            for point, cost, error in zip(points, costs, errors):
                text = f'T={point.samples}' if name != 'hybrid' else f'{point.share:.0%} sampled'
                axes.annotate(text, (cost, error), (5, 5), textcoords='offset points', fontsize=8)
        axes.margins(0.15)
        axes.xaxis.set_major_formatter('{x:g}')
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter('{x:g}')
        axes.yaxis.set_minor_formatter('')
        axes.set(
            title=TITLES[value],
            xlabel=f'time of a step, in that of {CLAIMED} samples',
            ylabel='error, % of the deviation',
        )
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
    parser.add_argument('--figure', type=Path, help='draw errors against costs into this picture')
    add_timing_arguments(parser, rounds=5, warm_up=1, clock=True)
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    sizes = QUICK if args.quick else SIZES
    found = {value: measure(value, sizes[value], args) for value in args.values}
    rows = [row for value, measured in found.items() for row in ratio_rows(value, measured)]
    console = print_ratios('Interactions of coalitions', rows, args)
    console.print(error_table(found))
    if args.figure:
        draw(found, args.figure)
        console.print(f'error against cost in {args.figure}')


if __name__ == '__main__':
    main()
