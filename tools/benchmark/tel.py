"""Time the parts of DCIN against their baselines (ratios below 1: ours is faster or smaller).

Example: python tools/benchmark/tel.py --parts step length reasoning --out work_dirs/tel_benchmark.json
Measured:
  step       forward and backward of a branch of DCIN (G = 4) with head and loss against one convolution of 3 lines
             in its place, 32 clips of 32 lines: time, and peak memory above that of the model (no claim);
  length     the dilated stream against full self-attention (a TransformerEncoderLayer, 4 heads) at growing lengths:
             it must grow linearly, and be faster at the longest;
  reasoning  the exchange between the contexts of all lines at once against a loop over lines (at least 20 times
             faster), in inference and with its gradient, at the width of the demo and at that asked for. A loop pays
             for its calls; where the products of matrices take the time, as in a wide model, both sides pay for them.
Before anything is timed, both sides of the reasoning are shown to give the same, the branch to be its own parts in
sequence, and the stream to give the same for a sequence alone and in a padded batch.
"""

import argparse
from functools import partial
from typing import Callable, Dict, List, Optional

import torch
from mmengine.registry import init_default_scope
from torch import Tensor, nn

from vlplugins.registry import MODELS
from vlplugins.utils.cli import friendly_errors
from vlplugins.utils.peak_memory import peak_bytes, peak_bytes_of_process
from vlplugins.utils.timing import Ratio, add_timing_arguments, median_seconds, print_ratios

PARTS = ('step', 'length', 'reasoning')
BATCH, LINES, INPUT, CLASSES = 32, 32, 384, 18
LENGTHS = (128, 512, 2048)
DEMO_CHANNELS = 48


class OneConvolution(nn.Module):
    """The baseline of a branch: the same embedding, then one convolution over 3 lines."""

    num_granularities = 1

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        branch = MODELS.build(
            dict(type='DilatedContextIntegratedBranch', in_channels=INPUT, channels=channels, coarse=None, fine=None)
        )
        self.branch, self.conv = branch, nn.Conv1d(channels, channels, 3, padding=1)

    def forward(self, features: Tensor, mask: Tensor, times: Optional[Tensor] = None) -> tuple:
        """``[B, N, d]`` of ``features [B, N, D]``."""
        embedded = self.branch.embed_segments(features, mask)
        return self.conv(embedded.transpose(1, 2)).transpose(1, 2) * mask[..., None], None


def make_branches(channels: int, device: str) -> Dict[str, nn.ModuleDict]:
    """Branch and head of DCIN and of the baseline, with the same head weights."""
    torch.manual_seed(0)
    ours = MODELS.build(dict(type='DilatedContextIntegratedBranch', in_channels=INPUT, channels=channels))
    sides = {}
    for name, branch in dict(ours=ours, baseline=OneConvolution(channels)).items():
        torch.manual_seed(1)
        head = MODELS.build(dict(type='EmotionActivationHead', in_channels=channels, num_classes=CLASSES))
        sides[name] = nn.ModuleDict(dict(branch=branch, head=head)).to(device)
    return sides


def check_branch(branch: nn.Module, device: str) -> None:
    """Show that a branch is embedding, contexts and integration in sequence.

    Raises:
        AssertionError: it is not.
    """
    features, mask = torch.randn(2, LINES, INPUT, device=device), torch.ones(2, LINES, dtype=torch.bool, device=device)
    was_training = branch.training
    branch.eval()
    with torch.no_grad():
        embedded = branch.embed_segments(features, mask)
        expected, _ = branch.fine(embedded, branch.contexts(embedded, mask), mask)
        torch.testing.assert_close(branch(features, mask)[0], expected)
    branch.train(was_training)


def step_of(side: nn.ModuleDict, device: str) -> Callable[[], None]:
    """Forward and backward of branch, head and loss on one batch."""
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(BATCH, LINES, INPUT, generator=generator).to(device)
    labels = (torch.rand(BATCH, CLASSES, generator=generator) < 0.2).float().to(device)
    mask = torch.ones(BATCH, LINES, dtype=torch.bool, device=device)
    loss = MODELS.build(dict(type='MultiLabelClipLoss'))

    def step() -> None:
        side.zero_grad(set_to_none=True)
        _, clip = side['head'](side['branch'](features, mask)[0], mask)
        loss(clip, labels).backward()

    return step


def peak_of(name: str, channels: int, device: str, threads: int) -> int:
    """Peak of a step above the model, in bytes."""
    torch.set_num_threads(threads)
    init_default_scope('vlplugins')
    return peak_bytes(step_of(make_branches(channels, device)[name], device), device)


def step_rows(args: argparse.Namespace) -> List[Ratio]:
    """Time and memory of a step."""
    sides = make_branches(args.channels, args.device)
    check_branch(sides['ours']['branch'], args.device)
    times = median_seconds(
        {name: step_of(side, args.device) for name, side in sides.items()}, args.rounds, args.warm_up, args.clock
    )
    rows = [Ratio(f'step, {BATCH} x {LINES} lines: DCIN / one convolution', times['ours'], times['baseline'])]
    measure = peak_of if args.device.startswith('cuda') else partial(peak_bytes_of_process, peak_of)
    peaks = {name: measure(name, args.channels, args.device, args.threads) for name in sides}
    return [*rows, Ratio('its peak memory above the model', peaks['ours'], peaks['baseline'], unit='bytes')]


def check_stream(stream: nn.Module, channels: int, device: str) -> None:
    """Show that a sequence gives the same alone and in a padded batch.

    Raises:
        AssertionError: it does not.
    """
    features = torch.randn(1, 40, channels, device=device)
    padded = torch.cat([features, torch.ones(1, 60, channels, device=device)], dim=1)
    mask = torch.arange(100, device=device)[None] < 40
    alone = stream(features, mask[:, :40])
    for one, other in zip(alone, stream(padded, mask)):
        torch.testing.assert_close(other[:, :40], one, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def length_rows(args: argparse.Namespace) -> List[Ratio]:
    """The dilated stream against self-attention, and its growth."""
    torch.manual_seed(0)
    stream = MODELS.build(dict(type='DilatedContextStream', channels=args.channels)).to(args.device).eval()
    attention = nn.TransformerEncoderLayer(args.channels, 4, args.channels, batch_first=True).to(args.device).eval()
    check_stream(stream, args.channels, args.device)
    rows, ours = [], {}
    for length in LENGTHS:
        features = torch.randn(4, length, args.channels, device=args.device)
        mask = torch.ones(4, length, dtype=torch.bool, device=args.device)
        sides = dict(ours=partial(stream, features, mask), baseline=partial(attention, features))
        times = median_seconds(sides, args.rounds, args.warm_up, args.clock)
        ours[length] = times['ours']
        claim = '< 1' if length == LENGTHS[-1] else ''
        rows.append(Ratio(f'{length} lines: dilated stream / self-attention', times['ours'], times['baseline'], claim))
    growth = LENGTHS[-1] / LENGTHS[0]
    what = f'dilated stream: {LENGTHS[-1]} lines / {growth:g} times {LENGTHS[0]} lines'
    rows.append(Ratio(what, ours[LENGTHS[-1]], growth * ours[LENGTHS[0]], '≤ 1.5'))
    return rows


def reason_by_line(fine: nn.Module, nodes: Tensor) -> Tensor:
    """The baseline: the exchange of each line by itself, ``[B, N, G, d]``."""
    clips = [torch.cat([fine.reason(clip[line, None, None]) for line in range(len(clip))], dim=1) for clip in nodes]
    return torch.cat(clips)


def reasoning_rows(args: argparse.Namespace) -> List[Ratio]:
    """Reasoning over all lines at once against a loop."""
    return [row for channels in dict.fromkeys((DEMO_CHANNELS, args.channels)) for row in _reasoning_at(channels, args)]


def _reasoning_at(channels: int, args: argparse.Namespace) -> List[Ratio]:
    torch.manual_seed(0)
    cfg = dict(type='ContextReasoningIntegration', channels=channels, num_granularities=4)
    fine = MODELS.build(cfg).to(args.device).eval()
    nodes = torch.randn(BATCH, LINES, 4, channels, device=args.device)

    def infer(reason: Callable[[Tensor], Tensor]) -> Tensor:
        with torch.no_grad():
            return reason(nodes)

    def train(reason: Callable[[Tensor], Tensor]) -> Tensor:
        leaf = nodes.clone().requires_grad_()
        reason(leaf).square().sum().backward()
        return leaf.grad

    rows = []
    sides = dict(ours=fine.reason, baseline=partial(reason_by_line, fine))
    for what, function in (('', infer), (' with gradient', train)):
        calls = {name: partial(function, reason) for name, reason in sides.items()}
        torch.testing.assert_close(calls['baseline'](), calls['ours'](), atol=1e-4, rtol=1e-3)
        times = median_seconds(calls, min(args.rounds, 5), 1, args.clock)
        what = f'reasoning{what}, {BATCH * LINES} lines, {channels} channels / line by line'
        rows.append(Ratio(what, times['ours'], times['baseline'], '≤ 0.05'))
    return rows


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--parts', nargs='+', choices=PARTS, default=PARTS, help='what to measure (all)')
    parser.add_argument('--channels', type=int, default=256, help='width of the model (256)')
    add_timing_arguments(parser, rounds=10, clock=True)
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    init_default_scope('vlplugins')
    functions = dict(step=step_rows, length=length_rows, reasoning=reasoning_rows)
    rows = [row for part in args.parts for row in functions[part](args)]
    print_ratios(f'DCIN, {args.channels} channels', rows, args)


if __name__ == '__main__':
    main()
