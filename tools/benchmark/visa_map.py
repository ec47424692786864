"""Time the maps of segments of VISA against their naive forms (ratios below 1: ours is faster or smaller).

Example: python tools/benchmark/visa_map.py --parts max sum layer --out work_dirs/visa_map.json
Measured:
  max    the maximum of the states of each segment by a running maximum against a slice and a maximum for each segment,
         8 videos of 32 positions, 512 channels; in a training step at least 5 times as fast;
  sum    masses inside of all segments by prefix sums against a product with the dense indicator [P, P, P] (no claim);
  layer  a graph layer whose scores are a sum over types of edges against one that holds the embeddings of the types
         for every pair of 160 nodes: time, and peak memory above the model (at most a tenth).
Before anything is timed, both sides are shown to give the same.
"""

import argparse
from functools import partial
from typing import Callable, List, Optional

import torch
from torch import Tensor

from vlplugins.models.backbones.video_graph_encoder import VIDEO_ROLES, video_roles
from vlplugins.models.layers.proposal_map import proposal_mask, segment_max, segment_sum
from vlplugins.models.layers.relational_graph import RelationalGraphLayer
from vlplugins.utils.cli import friendly_errors
from vlplugins.utils.peak_memory import peak_bytes, peak_bytes_of_process
from vlplugins.utils.timing import Ratio, add_timing_arguments, median_seconds, print_ratios

PARTS = ('max', 'sum', 'layer')


def naive_segment_max(nodes: Tensor) -> Tensor:
    """Maximum of ``nodes [B, P, d]`` over each segment, one segment after the other; ``[B, P, P, d]``."""
    size, nothing = nodes.size(1), torch.zeros_like(nodes[:, 0])
    rows = [
        torch.stack([nodes[:, i : j + 1].amax(dim=1) if i <= j else nothing for j in range(size)], dim=1)
        for i in range(size)
    ]
    return torch.stack(rows, dim=1)


def dense_segment_sum(values: Tensor) -> Tensor:
    """Sum of ``values [B, P, d]`` over each segment, by an indicator of all positions of all segments."""
    places = torch.arange(values.size(1), device=values.device)
    inside = (places >= places[:, None, None]) & (places <= places[None, :, None])
    return torch.einsum('ijt,btd->bijd', inside.to(values.dtype), values)


def max_rows(args: argparse.Namespace) -> List[Ratio]:
    """The running maximum, alone and with its gradient."""
    nodes = torch.randn(args.batch_size, args.positions, args.channels, device=args.device)
    torch.testing.assert_close(segment_max(nodes), naive_segment_max(nodes))
    trained = nodes.clone().requires_grad_()
    weights = torch.randn(args.positions, args.channels, device=args.device)

    def step(function: Callable[[Tensor], Tensor]) -> None:
        trained.grad = None
        (function(trained) * weights).sum().backward()

    functions = dict(ours=segment_max, baseline=naive_segment_max)
    rows = []
    for name, side, claim in (('', None, ''), (' and their gradient', step, 'at most 0.2')):
        sides = {key: partial(side, each) if side else partial(each, nodes) for key, each in functions.items()}
        times = median_seconds(sides, args.rounds, args.warm_up, args.clock)
        what = f'maxima of the segments of {args.batch_size} x {args.positions} positions{name}, running / each'
        rows.append(Ratio(what, times['ours'], times['baseline'], claim))
    return rows


def sum_rows(args: argparse.Namespace) -> List[Ratio]:
    """Prefix sums, of the masses of 28 nodes."""
    mass = torch.rand(args.batch_size, args.positions, 28, device=args.device)
    torch.testing.assert_close(segment_sum(mass), dense_segment_sum(mass), rtol=1e-4, atol=1e-4)
    sides = dict(ours=partial(segment_sum, mass), baseline=partial(dense_segment_sum, mass))
    with torch.no_grad():
        times = median_seconds(sides, args.rounds, args.warm_up, args.clock)
    return [Ratio('masses inside of the segments, prefix sums / dense indicator', times['ours'], times['baseline'])]


def layer_step(name: str, channels: int, positions: int, slots: int, device: str) -> Callable[[], Tensor]:
    """A graph layer, forward alone, on 4 videos; ``'ours'`` sums over types, ``'baseline'`` holds their embeddings."""
    torch.manual_seed(0)
    size = positions * (1 + slots)
    layer = RelationalGraphLayer(channels, len(VIDEO_ROLES), dense_nodes=0 if name == 'ours' else size)
    layer = layer.to(device).eval()
    nodes, roles = torch.randn(4, size, channels, device=device), video_roles(positions, slots)[None].to(device)
    mask = torch.ones(4, size, dtype=torch.bool, device=device)

    def step() -> Tensor:
        with torch.no_grad():
            return layer(nodes, roles, mask)

    return step


def layer_peak(name: str, channels: int, positions: int, slots: int, device: str, threads: int) -> int:
    """Peak of a layer above itself, in bytes."""
    torch.set_num_threads(threads)
    return peak_bytes(layer_step(name, channels, positions, slots, device), device)


def layer_rows(args: argparse.Namespace) -> List[Ratio]:
    """The graph layer of a video."""
    size = (args.channels, args.positions, args.slots, args.device)
    sides = {name: layer_step(name, *size) for name in ('ours', 'baseline')}
    torch.testing.assert_close(sides['ours'](), sides['baseline'](), rtol=1e-3, atol=1e-3)
    times = median_seconds(sides, args.rounds, args.warm_up, args.clock)
    nodes = args.positions * (1 + args.slots)
    rows = [Ratio(f'graph layer of {nodes} nodes, sum over types / dense', times['ours'], times['baseline'])]
    measure = layer_peak if args.device.startswith('cuda') else partial(peak_bytes_of_process, layer_peak)
    peaks = {name: measure(name, *size, args.threads) for name in sides}
    return [*rows, Ratio('its peak memory above the model', peaks['ours'], peaks['baseline'], 'at most 0.1', 'bytes')]


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--parts', nargs='+', choices=PARTS, default=list(PARTS), help='what to measure (all)')
    parser.add_argument('--batch-size', type=int, default=8, help='videos (8)')
    parser.add_argument('--positions', type=int, default=32, help='P (32)')
    parser.add_argument('--slots', type=int, default=4, help='concepts of a position, for the layer (4)')
    parser.add_argument('--channels', type=int, default=512, help='width of the states (512)')
    add_timing_arguments(parser, clock=True)
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    rows_of = dict(max=max_rows, sum=sum_rows, layer=layer_rows)
    rows = [row for part in args.parts for row in rows_of[part](args)]
    segments = int(proposal_mask(args.positions).sum())
    print_ratios(f'VISA, {args.channels} channels, {segments} segments', rows, args)


if __name__ == '__main__':
    main()
