"""Time token clustering, and what it saves in a vision transformer (ratios below 1: ours is faster or smaller).

Example: python tools/benchmark/token_clustering.py --parts kmedoids tower spectral
Measured, at the sizes of CenterCLIP (segments x tokens x width, K):
  kmedoids  k-medoids against the literal formulation, which masks a tensor [B, K, N, N], and against a plain batched
            loop with a masked sum over [B, N, N];
  tower     a training step of ViT-B/32 on 12 frames with the clustering B6-4,49 against the same tower without it:
            time, and peak memory (CUDA: max_memory_allocated; CPU: bytes of all tensors that autograd holds between
            forward and backward, parameters left out);
  spectral  k-medoids against spectral clustering (no claim: it is slower than the saving).
Before anything is timed, both sides are shown to choose the same medoids; the towers, to be one where nothing is
left out.
"""

import argparse
from functools import partial
from typing import Callable, Dict, List, Optional, Tuple

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from vlplugins.models.task_modules.kmedoids import KMedoids, pairwise_distances
from vlplugins.models.task_modules.spectral import SpectralClustering
from vlplugins.registry import MODELS
from vlplugins.utils.cli import friendly_errors
from vlplugins.utils.timing import Ratio, median_seconds, ratio_table

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


def build_towers(device: str) -> Dict[str, nn.Module]:
    """ViT-B/32 with and without clustering, with the same random weights.

    Raises:
        AssertionError: they are not the same where all tokens are kept.
    """
    torch.manual_seed(0)
    cfg = dict(type='CLIPVisionTransformer', num_frames=FRAMES)
    baseline = MODELS.build(cfg).to(device)
    towers = dict(baseline=baseline)
    everything = dict(B6_4_49, num_segments=FRAMES)
    for name, reducer in (('identity', everything), ('ours', B6_4_49)):
        towers[name] = MODELS.build(dict(cfg, token_reducers=[reducer])).to(device)
        towers[name].load_state_dict(baseline.state_dict(), strict=True)
    imgs = torch.randn(1, FRAMES, 3, 224, 224, generator=torch.Generator().manual_seed(0)).to(device)
    with torch.no_grad():
        torch.testing.assert_close(towers.pop('identity')(imgs), baseline(imgs), rtol=1e-3, atol=1e-3)
    return towers


def held_bytes(tower: nn.Module, imgs: Tensor) -> int:
    """Peak memory of a forward and backward pass, in bytes: of the device, or on the CPU what autograd holds."""
    if imgs.is_cuda:
        torch.cuda.reset_peak_memory_stats()
        tower(imgs).square().mean().backward()
        torch.cuda.synchronize()
        return torch.cuda.max_memory_allocated()
    parameters = {parameter.untyped_storage().data_ptr() for parameter in tower.parameters()}
    held: Dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in parameters:
            held[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        loss = tower(imgs).square().mean()
    total = sum(held.values())
    del loss
    return total


def tower_rows(args: argparse.Namespace) -> Tuple[List[Ratio], Table]:
    """Training step of the tower with and without clustering, and the memory of both."""
    towers = build_towers(args.device)
    generator = torch.Generator().manual_seed(1)
    imgs = torch.randn(args.batch_size, FRAMES, 3, 224, 224, generator=generator).to(args.device)
    memory = {}
    for name, tower in towers.items():
        memory[name] = held_bytes(tower, imgs)
        tower.zero_grad(set_to_none=True)

    def step_of(tower: nn.Module) -> Callable[[], None]:
        optimizer = torch.optim.SGD(tower.parameters(), lr=1e-6)

        def step() -> None:
            optimizer.zero_grad(set_to_none=True)
            tower(imgs).square().mean().backward()
            optimizer.step()

        return step

    times = median_seconds(
        {name: step_of(tower) for name, tower in towers.items()}, args.tower_rounds, min(args.warm_up, 1)
    )
    row = Ratio('training step B6-4,49 / baseline (throughput ≥ 1.3x)', times['ours'], times['baseline'], '≤ 0.77')
    ratio = memory['ours'] / memory['baseline']
    table = Table(title=f'Peak memory of a training step, {args.batch_size} x {FRAMES} frames')
    for heading in ('measured', 'ours (MiB)', 'baseline (MiB)', 'ratio', 'claim'):
        table.add_column(heading, justify='left' if heading == 'measured' else 'right')
    what = 'max_memory_allocated' if imgs.is_cuda else 'tensors held for the backward pass'
    sizes = [f'{memory[name] / 2**20:.0f}' for name in ('ours', 'baseline')]
    table.add_row(f'B6-4,49 / baseline, {what}', *sizes, f'{ratio:.2f}', '≤ 0.70')
    return [row], table


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--parts', nargs='+', choices=PARTS, default=PARTS, help='what to measure (default: all)')
    parser.add_argument('--batch-size', type=int, default=2, help='videos in a step of the tower (default: 2)')
    parser.add_argument('--rounds', type=int, default=9, help='timed rounds of the clustering (default: 9)')
    parser.add_argument('--tower-rounds', type=int, default=5, help='timed steps of the tower (default: 5)')
    parser.add_argument('--warm-up', type=int, default=2, help='rounds before them (default: 2; the tower has 1)')
    parser.add_argument('--threads', type=int, default=2, help='threads on the CPU (default: 2)')
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu', help='where to run')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    return parser.parse_args(argv)


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Measure and print."""
    args = parse_args(argv)
    torch.set_num_threads(args.threads)
    rows, memory = [], None
    if 'kmedoids' in args.parts:
        rows += kmedoids_rows(args)
    if 'tower' in args.parts:
        tower, memory = tower_rows(args)
        rows += tower
    if 'spectral' in args.parts:
        rows += spectral_rows(args)
    device = torch.cuda.get_device_name() if args.device.startswith('cuda') else f'CPU, {args.threads} threads'
    console = Console(width=max(Console().width, 120))
    console.print(ratio_table(f'Token clustering, {device}, torch {torch.__version__}', rows))
    if memory is not None:
        console.print(memory)


if __name__ == '__main__':
    main()
