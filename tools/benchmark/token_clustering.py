"""Time token clustering, and what it saves in a vision transformer (ratios below 1: ours is faster or smaller).

Example: python tools/benchmark/token_clustering.py --parts kmedoids tower spectral
Measured, at the sizes of CenterCLIP (segments x tokens x width, K):
  kmedoids  k-medoids against the literal formulation, which masks a tensor [B, K, N, N], and against a plain batched
            loop with a masked sum over [B, N, N];
  tower     a training step of ViT-B/32 on 12 frames with the clustering B6-4,49 against the same tower without it:
            time, and peak memory above that of the model (on the CPU each in a process of its own);
  spectral  k-medoids against spectral clustering (no claim: it is slower than the saving).
Before anything is timed, both sides are shown to choose the same medoids; the towers, to be one where nothing is
left out.
"""

import argparse
from functools import partial
from typing import Callable, Dict, List, Optional, Tuple

import torch
from torch import Tensor, nn

from vlplugins.models.task_modules.kmedoids import KMedoids, pairwise_distances
from vlplugins.models.task_modules.spectral import SpectralClustering
from vlplugins.registry import MODELS
from vlplugins.utils.cli import friendly_errors
from vlplugins.utils.peak_memory import peak_bytes, peak_bytes_of_process
from vlplugins.utils.timing import Ratio, add_timing_arguments, median_seconds, print_ratios

# Segments in a batch, tokens of a segment, width, K, frames of a segment: B/32 and B/16 of the paper.
SIZES = ((16, 147, 768, 49, 3), (4, 588, 768, 160, 3))
FRAMES = 12
B6_4_49 = dict(type='TokenClustering', after_block=6, num_segments=4, num_centers=49)
ITER_LIMIT, THRESHOLD = 100, 1e-6
PARTS = ('kmedoids', 'tower', 'spectral')
Distances = Callable[[Tensor, Tensor], Tensor]


def shifted_distances(points: Tensor, distances: Distances) -> Tensor:
    """Distances below -1, smallest on the diagonal: so a member has a negative sum, and others have 0."""
    values = distances(points, points)
    values = values - (values.amax(dim=(1, 2), keepdim=True) + 1)
    return values - torch.eye(points.size(1), device=points.device)


def farthest_first(points: Tensor, distances: Tensor, num_clusters: int) -> Tensor:
    """KKZ start ``[B, K]``."""
    rows = torch.arange(len(points), device=points.device)
    medoids = [points.norm(dim=2).argmax(dim=1)]
    nearest = distances[rows, medoids[0]]
    for _ in range(num_clusters - 1):
        medoids.append(nearest.argmax(dim=1))
        nearest = torch.minimum(nearest, distances[rows, medoids[-1]])
    return torch.stack(medoids, dim=1)


def to_nearest(distances: Tensor, medoids: Tensor) -> Tensor:
    """Slot ``[B, N]`` of the nearest medoid."""
    return distances.gather(2, medoids[:, None].expand(-1, distances.size(1), -1)).argmin(dim=2)


def literal_update(distances: Tensor, assign: Tensor, num_clusters: int) -> Tensor:
    """New medoids ``[B, K]`` by a mask over ``[B, K, N, N]``, a row at a time to bound the memory."""
    medoids = []
    for values, labels in zip(distances, assign):
        member = labels[None] == torch.arange(num_clusters, device=labels.device)[:, None]
        pairs = member[:, :, None] & member[:, None, :]
        medoids.append((values * pairs).sum(dim=2).argmin(dim=1))
    return torch.stack(medoids)


def masked_sum_update(distances: Tensor, assign: Tensor, num_clusters: int) -> Tensor:
    """New medoids ``[B, K]`` by a masked sum over ``[B, N, N]``."""
    costs = (distances * (assign[:, :, None] == assign[:, None, :])).sum(dim=2)
    member = assign[:, None] == torch.arange(num_clusters, device=assign.device)[:, None]
    return torch.where(member, costs[:, None], torch.inf).argmin(dim=2)


def loop_kmedoids(points: Tensor, num_clusters: int, update: Callable, distances: Distances = torch.cdist) -> Tensor:
    """The baselines: ascending medoids ``[B, K]``, by the formulation of the paper with one of the two updates."""
    values = shifted_distances(points, distances)
    medoids = farthest_first(points, values, num_clusters)
    for _ in range(ITER_LIMIT):
        moved = update(values, to_nearest(values, medoids), num_clusters)
        before, after = (points.gather(1, each[:, :, None].expand(-1, -1, points.size(2))) for each in (medoids, moved))
        medoids = moved
        if (after - before).norm(dim=2).sum(dim=1).mean() < THRESHOLD:
            break
    medoids = medoids.sort(dim=1).values
    to_nearest(values, medoids)
    return medoids


def make_points(size: Tuple[int, ...], device: str) -> Tensor:
    """Tokens ``[B, N, D]`` of clusters that overlap."""
    batch, count, width = size[:3]
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(batch, count // 6, width, generator=generator)
    which = torch.randint(count // 6, (batch, count, 1), generator=generator).expand(-1, -1, width)
    return (centres.gather(1, which) + torch.randn(batch, count, width, generator=generator)).to(device)


def kmedoids_rows(args: argparse.Namespace) -> List[Ratio]:
    """Our k-medoids against both baselines."""
    return [row for size in SIZES for row in _kmedoids_rows_of(size, args)]


def _kmedoids_rows_of(size: Tuple[int, ...], args: argparse.Namespace) -> List[Ratio]:
    points, num_clusters = make_points(size, args.device), size[3]
    kmedoids = KMedoids(iter_limit=ITER_LIMIT, threshold=THRESHOLD)
    expected = kmedoids(points, num_clusters)[1]
    rows = []
    for name, update, claim, rounds in (
        ('plain [B,N,N] loop', masked_sum_update, '≤ 0.67', args.rounds),
        ('literal [B,K,N,N]', literal_update, '≤ 0.20', min(args.rounds, 3)),
    ):
        # The check has the distances in common, because rounding decides between members that are equally central.
        found = loop_kmedoids(points, num_clusters, update, lambda one, _: pairwise_distances(one))
        if not torch.equal(found, expected):
            raise AssertionError(f'the {name} chooses other medoids at {size}')
        sides = dict(
            ours=partial(kmedoids, points, num_clusters), baseline=partial(loop_kmedoids, points, num_clusters, update)
        )
        times = median_seconds(sides, rounds, min(args.warm_up, rounds))
        rows.append(Ratio(f'k-medoids / {name}, {_shape(size)}', times['ours'], times['baseline'], claim))
    return rows


def _shape(size: Tuple[int, ...]) -> str:
    return f'{"x".join(map(str, size[:3]))}, K={size[3]}'


def spectral_rows(args: argparse.Namespace) -> List[Ratio]:
    """K-medoids against spectral clustering."""
    rows = []
    for size in SIZES:
        points, num_clusters, frames = make_points(size, args.device), size[3], size[4]
        # A width of the kernel that fits distances in many dimensions.
        algorithms = dict(kmedoids=KMedoids(), spectral=SpectralClustering(sigma=20.0))
        sides = {name: partial(each, points, num_clusters, frames) for name, each in algorithms.items()}
        times = median_seconds(sides, args.rounds, args.warm_up)
        rows.append(Ratio(f'k-medoids / spectral, {_shape(size)}', times['kmedoids'], times['spectral']))
    return rows


def build_towers(device: str, check: bool = True) -> Dict[str, nn.Module]:
    """ViT-B/32 with and without clustering, with the same random weights; with ``check``, shown to be so.

    Raises:
        AssertionError: they are not the same where all tokens are kept.
    """
    torch.manual_seed(0)
    cfg = dict(type='CLIPVisionTransformer', num_frames=FRAMES)
    baseline = MODELS.build(cfg).to(device)
    reducers = dict(ours=B6_4_49)
    if check:
        reducers['identity'] = dict(B6_4_49, num_segments=FRAMES)
    towers = dict(baseline=baseline)
    for name, reducer in reducers.items():
        towers[name] = MODELS.build(dict(cfg, token_reducers=[reducer])).to(device)
        towers[name].load_state_dict(baseline.state_dict(), strict=True)
    if check:
        imgs = make_images(1, device)
        with torch.no_grad():
            torch.testing.assert_close(towers.pop('identity')(imgs), baseline(imgs), rtol=1e-3, atol=1e-3)
    return towers


def step_of(tower: nn.Module, imgs: Tensor) -> Callable[[], None]:
    """A training step: forward, backward, update."""
    optimizer = torch.optim.SGD(tower.parameters(), lr=1e-6)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        tower(imgs).square().mean().backward()
        optimizer.step()

    return step


def make_images(batch_size: int, device: str) -> Tensor:
    """Frames ``[B, T, 3, 224, 224]`` of noise."""
    return torch.randn(batch_size, FRAMES, 3, 224, 224, generator=torch.Generator().manual_seed(1)).to(device)


def peak_of(name: str, batch_size: int, device: str, threads: int) -> int:
    """Peak of a training step of one tower above model and images, in bytes: activations, gradients, workspaces."""
    torch.set_num_threads(threads)
    tower = build_towers(device, check=False)[name]
    return peak_bytes(step_of(tower, make_images(batch_size, device)), device)


def tower_rows(args: argparse.Namespace) -> List[Ratio]:
    """Training step of the tower with and without clustering, and the peak memory of both."""
    towers = build_towers(args.device)
    imgs = make_images(args.batch_size, args.device)
    times = median_seconds(
        {name: step_of(tower, imgs) for name, tower in towers.items()}, args.tower_rounds, min(args.warm_up, 1)
    )
    row = Ratio('training step B6-4,49 / baseline (throughput ≥ 1.3x)', times['ours'], times['baseline'], '≤ 0.77')
    del towers, imgs
    return [row, memory_row(args)]


def memory_row(args: argparse.Namespace) -> Ratio:
    """Peak memory of a training step with and without clustering."""
    measure = peak_of if args.device.startswith('cuda') else partial(peak_bytes_of_process, peak_of)
    memory = {name: measure(name, args.memory_batch_size, args.device, args.threads) for name in ('ours', 'baseline')}
    what = f'its peak memory above the model, {args.memory_batch_size} x {FRAMES} frames'
    return Ratio(what, memory['ours'], memory['baseline'], '≤ 0.70', unit='bytes')


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--parts', nargs='+', choices=PARTS, default=PARTS, help='what to measure (default: all)')
    parser.add_argument('--batch-size', type=int, default=2, help='videos in a step of the tower (default: 2)')
    parser.add_argument('--memory-batch-size', type=int, default=4, help='the same, for the memory (default: 4)')
    parser.add_argument('--tower-rounds', type=int, default=5, help='timed steps of the tower (default: 5)')
    add_timing_arguments(parser)
    return parser.parse_args(argv)


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Measure and print."""
    args = parse_args(argv)
    torch.set_num_threads(args.threads)
    rows: List[Ratio] = []
    if 'kmedoids' in args.parts:
        rows += kmedoids_rows(args)
    if 'tower' in args.parts:
        rows += tower_rows(args)
    if 'spectral' in args.parts:
        rows += spectral_rows(args)
    print_ratios('Token clustering', rows, args)


if __name__ == '__main__':
    main()
