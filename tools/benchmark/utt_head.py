"""Time what a target of UTT costs (ratios below 1: ours is faster or smaller; of frames: how much more many cost).

Example: python tools/benchmark/utt_head.py --parts head frames --out work_dirs/utt_head.json
Measured:
  head    one iteration of the target transformer, correlation with a crop of 7 x 7 against attention to the whole map
          of 100 x 152 places, same widths, for 1, 20 and 100 targets: time, and peak memory above the model. The two
          say different things, so that no result is compared; multiply-adds are counted and checked: those of the
          correlation do not depend on the map, those of the attention grow linearly with it;
  frames  frames a second of given targets on one pass of the backbone over the whole frame, for 1, 4 and 16 targets,
          and the share of each part. 16 targets take at most twice the time of one. Beside them the path of the paper,
          which sends a crop for each target through the backbone. Before, it is checked that a target among others is
          found where it is found alone.
The linear layer behind the correlation costs K * K * C * 2C multiply-adds a target: with many targets the advantage
over attention, which projects the map once for all of them, shrinks.
"""

import argparse
import time
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from rich.table import Table
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from vlplugins.registry import MODELS
from vlplugins.utils.cli import friendly_errors
from vlplugins.utils.peak_memory import peak_bytes, peak_bytes_of_process
from vlplugins.utils.timing import Ratio, add_timing_arguments, median_seconds, print_ratios

PARTS = ('head', 'frames')
ROOT = Path(__file__).resolve().parents[2]


def head_step(
    attention: str, targets: int, dim: int, height: int, width: int, device: str, with_gradient: bool = False
) -> Callable[[], Any]:
    """One iteration for ``targets`` on a map of stride 8, forward alone."""
    torch.manual_seed(0)
    init_default_scope('vlplugins')
    crops = dict(type='BoxCrops', strides=(8,))
    options = dict(dim=dim, num_iterations=1, feedforward=4 * dim, attention=attention, crops=crops)
    head = MODELS.build(dict(type='TargetTransformer', **options)).to(device).eval()
    maps = [torch.randn(1, dim, height, width, device=device)]
    features = torch.randn(1, targets, dim, device=device)
    corner = torch.rand(1, targets, 2, device=device) * torch.tensor([6.0 * width, 6.0 * height], device=device)
    boxes = torch.cat([corner, corner + 60], dim=-1)

    def step() -> Any:
        with torch.set_grad_enabled(with_gradient):
            return head(maps, features, boxes, level=0)

    return step


def multiply_adds(*size: Any) -> int:
    """Multiply-adds of matrix products of a :func:`head_step`."""
    # Fused attention is an operation that is not counted everywhere.
    step = head_step(*size, with_gradient=True)
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops() // 2


def head_peak(attention: str, targets: int, dim: int, height: int, width: int, device: str, threads: int) -> int:
    """Peak of an iteration above the model and its input, in bytes."""
    torch.set_num_threads(threads)
    return peak_bytes(head_step(attention, targets, dim, height, width, device), device)


def head_rows(args: argparse.Namespace) -> List[Ratio]:
    """An iteration by correlation and by attention."""
    rows = []
    measure = head_peak if args.device.startswith('cuda') else partial(peak_bytes_of_process, head_peak)
    for count in args.targets:
        size = (count, args.dim, args.height, args.width, args.device)
        sides = {name: head_step(name, *size) for name in ('correlation', 'cross')}
        counts = [
            {name: multiply_adds(name, count, args.dim, times * args.height, *size[3:]) for name in sides}
            for times in (1, 2, 3)
        ]
        check_counts(*counts)
        adds = counts[0]
        times = median_seconds(sides, args.rounds, args.warm_up, args.clock)
        claim = 'at most 0.33' if count == 1 else ''
        what = f'{count} targets, {adds["correlation"] / 1e6:.0f} M / {adds["cross"] / 1e6:.0f} M multiply-adds'
        rows.append(Ratio(what, times['correlation'], times['cross'], claim))
        peaks = {name: measure(name, *size, args.threads) for name in sides}
        rows.append(Ratio('its peak memory', max(1, peaks['correlation']), max(1, peaks['cross']), '', 'bytes'))
    return rows


def check_counts(once: Dict[str, int], twice: Dict[str, int], thrice: Dict[str, int]) -> None:
    """Check the claim on multiply-adds, of a map, of one twice as large, and of one three times as large.

    Raises:
        RuntimeError: it does not hold.
    """
    rows = twice['cross'] - once['cross'], thrice['cross'] - twice['cross']
    if not once['correlation'] == twice['correlation'] == thrice['correlation'] or not 0 < rows[0] == rows[1]:
        raise RuntimeError(
            f'multiply-adds of a map {once}, twice {twice} and thrice its size {thrice} are not as claimed'
        )


class PartTimes:
    """Seconds in each of some modules, by hooks.

    Args:
        modules: By name.
    """

    def __init__(self, modules: Dict[str, nn.Module]) -> None:
        self.seconds: Dict[str, float] = defaultdict(float)
        self._began: Dict[str, float] = {}
        for name, module in modules.items():
            module.register_forward_pre_hook(partial(self._begin, name))
            module.register_forward_hook(partial(self._end, name))

    def _begin(self, name: str, *_: Any) -> None:
        self._began[name] = self._now()

    def _end(self, name: str, *_: Any) -> None:
        self.seconds[name] += self._now() - self._began[name]

    @staticmethod
    def _now() -> float:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter()


def frame_step(tracker: nn.Module, count: int, image: torch.Tensor, shared: bool) -> Callable[[], torch.Tensor]:
    """A frame of a video in which ``count`` targets are followed; it gives their boxes ``[count, 4]``.

    The first targets are the same whatever the count.
    """
    from mmdet.structures import DetDataSample

    from vlplugins.models.algorithms.online_tracker import OnlineTracker

    online = OnlineTracker(tracker)
    height, width = image.shape[1:]
    generator = torch.Generator().manual_seed(0)
    corners = [torch.rand(2, generator=generator) for _ in range(count)]
    corner = torch.stack(corners) * torch.tensor([0.8 * width, 0.8 * height])
    given = torch.cat([corner, torch.full((count, 2), 0.1 * height)], dim=1)
    meta = dict(img_shape=(height, width), scale_factor=(1.0, 1.0), init_bbox=given.tolist())

    def step() -> torch.Tensor:
        tracker.search.shared = shared
        frame = DetDataSample(metainfo=dict(meta, frame_id=0 if online.frame is None else 1))
        found = online.step(image, frame, 'sot').bboxes
        online.frame = 0
        online.boxes = given_boxes
        return found

    given_boxes = torch.cat([given[:, :2], given[:, :2] + given[:, 2:]], dim=1).to(image.device)
    step()
    return step


def check_company(alone: torch.Tensor, together: torch.Tensor) -> None:
    """Check that the first target is found in the same place alone and among others.

    Args:
        alone: Boxes ``[1, 4]`` in pixels.
        together: Boxes ``[N, 4]``.

    Raises:
        RuntimeError: it is not.
    """
    distance = (alone[0] - together[0]).abs().max().item()
    # Sums over batches of another size round otherwise; a hundredth of a pixel is no other place.
    if not distance < 0.01:
        raise RuntimeError(f'a target among {len(together)} is found {distance} pixels from where it is found alone')


def frame_rows(args: argparse.Namespace) -> List[Ratio]:
    """Frames with several targets; also prints frames a second and the share of each part."""
    init_default_scope('vlplugins')
    cfg = Config.fromfile(args.config).model
    cfg.detector.backbone.init_cfg = None
    torch.manual_seed(0)
    tracker = MODELS.build(cfg).to(args.device).eval()
    image = torch.randn(3, *args.frame, device=args.device)
    parts = dict(
        backbone=tracker.detector.backbone,
        neck=tracker.tracking_neck,
        decoder=tracker.target_decoder,
        proposals=tracker.proposal_decoder,
        transformer=tracker.target_transformer,
    )
    parts = {name: part for name, part in parts.items() if part is not None}
    times: Dict[str, float] = {}
    shares: Dict[int, Dict[str, float]] = {}
    measured = PartTimes(parts)
    alone = {shared: frame_step(tracker, 1, image, shared)() for shared in (True, False)}
    for count in args.given:
        sides = {f'{count} shared': frame_step(tracker, count, image, True)}
        check_company(alone[True], sides[f'{count} shared']())
        if count in args.crops:
            sides[f'{count} crops'] = frame_step(tracker, count, image, False)
            check_company(alone[False], sides[f'{count} crops']())
        times.update(median_seconds(sides, args.rounds, args.warm_up, args.clock))
        measured.seconds.clear()
        begin = time.perf_counter()
        for _ in range(args.rounds):
            sides[f'{count} shared']()
        total = time.perf_counter() - begin
        shares[count] = {name: 100 * seconds / total for name, seconds in measured.seconds.items()}
    args.shares = shares_table(times, shares, [*parts])
    first = args.given[0]
    rows = []
    for count in args.given[1:]:
        claim = 'at most 2' if count == 16 else ''
        what = f'a frame with {count} targets / with {first}'
        rows.append(Ratio(what, times[f'{count} shared'], times[f'{first} shared'], claim))
    for count in args.crops:
        what = f'{count} targets, one pass of the frame / a crop for each'
        rows.append(Ratio(what, times[f'{count} shared'], times[f'{count} crops']))
    return rows


def shares_table(times: Dict[str, float], shares: Dict[int, Dict[str, float]], parts: List[str]) -> Table:
    """Frames a second, and per cent of the time in each part."""
    table = Table(title='frames of given targets, one pass of the backbone')
    for heading in ('targets', 'frames / s', *(f'{part} %' for part in parts), 'rest %'):
        table.add_column(heading, justify='right')
    for count, share in shares.items():
        cells = [f'{share.get(part, 0):.0f}' for part in parts]
        rest = max(0.0, 100 - sum(share.values()))
        table.add_row(str(count), f'{1 / times[f"{count} shared"]:.2f}', *cells, f'{rest:.0f}')
    return table


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--parts', nargs='+', choices=PARTS, default=list(PARTS), help='what to measure (all)')
    parser.add_argument('--targets', nargs='+', type=int, default=[1, 20, 100], help='targets of the head (1 20 100)')
    parser.add_argument('--dim', type=int, default=256, help='C (256)')
    parser.add_argument('--height', type=int, default=100, help='of the map, in places (100)')
    parser.add_argument('--width', type=int, default=152, help='of the map, in places (152)')
    default = ROOT / 'configs/_base_/models/utt_r50.py'
    parser.add_argument('--config', default=str(default), help='a config with the tracker for the frames (ResNet-50)')
    parser.add_argument('--frame', nargs=2, type=int, default=[480, 864], help='height and width of frames (480 864)')
    parser.add_argument('--given', nargs='+', type=int, default=[1, 4, 16], help='targets of the frames (1 4 16)')
    parser.add_argument('--crops', nargs='*', type=int, default=[1, 4], help='of these also by crops (1 4)')
    add_timing_arguments(parser, rounds=5, clock=True)
    args = parser.parse_args(argv)
    unknown = sorted(set(args.crops) - set(args.given))
    if unknown:
        parser.error(f'--crops {unknown} are not among --given {args.given}')
    torch.set_num_threads(args.threads)
    rows_of = dict(head=head_rows, frames=frame_rows)
    rows = [row for part in args.parts for row in rows_of[part](args)]
    title = (
        f'UTT, {args.dim} channels, map of {args.height} x {args.width}, frames of {" x ".join(map(str, args.frame))}'
    )
    console = print_ratios(title, rows, args)
    if 'frames' in args.parts:
        console.print(args.shares)


if __name__ == '__main__':
    main()
