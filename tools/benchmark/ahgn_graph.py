"""Measure the graphs of AHGN against plainer ways to the same, and against one flat graph.

Example: python tools/benchmark/ahgn_graph.py --batch 16 --segments 24 --rounds 5
Parts, each at every width: `local` the graphs of all segments of all clips at once, against a loop over them, and one
over a segment of all clips at a time; `flat` the hierarchy, forward and backward, against one graph over all frames and
words of a clip; `events` the graph along the clip for the real events alone, against one for each of a fixed number;
`premise` six statements of a clip, whose features are projected once or for each, up to the graphs of its segments.
Where both sides compute the same, that is shown before they are timed. Features of words are made offline; what a
language model in the loop would cost in addition is printed by `text`, where transformers and a model are installed.
"""

import argparse
from functools import partial
from typing import Callable, Dict, List, Optional

import numpy as np
import torch
from mmengine.registry import init_default_scope
from torch import Tensor, nn

import vlplugins  # noqa: F401  (registers the parts)
from vlplugins.datasets.text_encoders import TransformerSentenceEncoder
from vlplugins.models.backbones.premise_encoder import PremiseEncoder, feature_projection
from vlplugins.models.layers import RelationalGraphLayer
from vlplugins.models.layers.inference_states import Premise, Statement
from vlplugins.models.necks import LocalInteractionGraph, SegmentRelationGraph
from vlplugins.structures.statement_graph import NUM_STATEMENT_ROLES
from vlplugins.utils.cli import friendly_errors
from vlplugins.utils.peak_memory import peak_bytes, peak_bytes_of_process
from vlplugins.utils.timing import Ratio, add_timing_arguments, median_seconds, print_ratios

FRAMES, WORDS, ATOMS, PADDED_EVENTS, HEADS = 16, 32, 8, 6, 8
# Mean 1.7, as in a set of plain statements.
EVENTS = (1, 2, 1, 2, 2, 1, 3, 1, 2, 2)
PARTS = ('local', 'flat', 'events', 'premise', 'text')


def make_premise(size: int, segments: int, dim: int, device: str) -> Premise:
    """Clips in which every segment is full."""
    generator = torch.Generator().manual_seed(0)
    frames, words = (
        torch.randn(size, segments, count, dim, generator=generator).to(device) for count in (FRAMES, WORDS)
    )
    full = [torch.ones(each.shape[:3], dtype=torch.bool, device=device) for each in (frames, words)]
    mask = torch.ones(size, segments, dtype=torch.bool, device=device)
    edges = torch.linspace(0, 1, segments + 1, device=device)
    times = torch.stack([edges[:-1], edges[1:]], dim=1).expand(size, -1, -1)
    return Premise(frames, full[0], words, full[1], mask, mask, mask, times)


def make_statement(size: int, dim: int, device: str) -> Statement:
    """Statements with :data:`EVENTS` events in turns."""
    generator = torch.Generator().manual_seed(1)
    counts = torch.tensor([EVENTS[number % len(EVENTS)] for number in range(size)], device=device)
    mask = torch.arange(PADDED_EVENTS, device=device) < counts[:, None]
    draw = lambda *shape: torch.randn(*shape, generator=generator).to(device)  # noqa: E731
    roles = torch.zeros(
        size, NUM_STATEMENT_ROLES, 1 + PADDED_EVENTS, 1 + PADDED_EVENTS, dtype=torch.bool, device=device
    )
    memory_mask = torch.ones(size, ATOMS, dtype=torch.bool, device=device)
    return Statement(
        draw(size, dim),
        draw(size, PADDED_EVENTS, dim),
        mask,
        mask.nonzero(),
        draw(size, ATOMS, dim),
        memory_mask,
        roles,
    )


def one_by_one(graph: LocalInteractionGraph, premise: Premise, statement: Statement) -> List[Tensor]:
    """The local graph, one segment of one clip after the other."""
    parts = []
    for clip in range(len(premise.mask)):
        one = Premise(*(each[clip : clip + 1] for each in premise))
        told = {name: each[clip : clip + 1] for name, each in statement._asdict().items() if name != 'rows'}
        parts.append(clips_together(graph, one, Statement(**told, rows=told['event_mask'].nonzero())))
    return [torch.cat(each) for each in zip(*parts)]


def clips_together(graph: LocalInteractionGraph, premise: Premise, statement: Statement) -> List[Tensor]:
    """The local graph, the same segment of all clips after the other."""
    parts = []
    for segment in range(premise.mask.size(1)):
        one = Premise(*(each[:, segment : segment + 1] for each in premise))
        parts.append(graph(one, statement))
    return [torch.cat(each, dim=1) for each in zip(*parts)]


@torch.no_grad()
def local_rows(args: argparse.Namespace, dim: int) -> List[Ratio]:
    """All segments at once against the two loops."""
    graph = LocalInteractionGraph(dim, HEADS, dropout=0.0).to(args.device).eval()
    given = make_premise(args.batch, args.segments, dim, args.device), make_statement(args.batch, dim, args.device)
    loops = dict(alone=partial(one_by_one, graph), together=partial(clips_together, graph))
    for loop in loops.values():
        for one, other in zip(graph(*given), loop(*given)):
            torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)
    times = median_seconds(
        {name: partial(side, *given) for name, side in dict(ours=graph, **loops).items()},
        args.rounds,
        args.warm_up,
        args.clock,
    )
    what = f'width {dim}, local graphs of {args.batch} x {args.segments} segments: at once'
    return [
        Ratio(f'{what} / one by one', times['ours'], times['alone'], 'goal 0.2'),
        Ratio(f'{what} / {args.batch} by {args.batch}', times['ours'], times['together']),
    ]


def hierarchy_step(dim: int, size: int, segments: int, device: str) -> Callable[[], None]:
    """Forward and backward of the two lower hierarchies."""
    torch.manual_seed(0)
    local, along = (kind(dim, HEADS, dropout=0.0).to(device) for kind in (LocalInteractionGraph, SegmentRelationGraph))
    premise, statement = make_premise(size, segments, dim, device), make_statement(size, dim, device)

    def step() -> None:
        rows = statement.rows
        video, text = local(premise, statement)
        states = along(video, text, premise, statement.events[rows[:, 0], rows[:, 1]], rows[:, 0])
        states.seen.sum().backward()
        local.zero_grad()
        along.zero_grad()

    return step


def flat_step(dim: int, size: int, segments: int, device: str) -> Callable[[], None]:
    """Forward and backward of three layers over all frames and words of a clip, as many as the hierarchy has."""
    torch.manual_seed(0)
    layers = nn.ModuleList(RelationalGraphLayer(dim, 4, HEADS, dropout=0.0) for _ in range(3)).to(device)
    premise = make_premise(size, segments, dim, device)
    nodes = torch.cat([premise.frames.flatten(1, 2), premise.words.flatten(1, 2)], dim=1)
    is_word = torch.arange(nodes.size(1), device=device) >= segments * FRAMES
    kind = 2 * is_word[:, None].long() + is_word
    roles = torch.stack([kind == number for number in range(4)])[None]
    mask = torch.ones(nodes.shape[:2], dtype=torch.bool, device=device)

    def step() -> None:
        found = nodes
        for layer in layers:
            found = layer(found, roles, mask)
        found.sum().backward()
        layers.zero_grad()

    return step


STEPS: Dict[str, Callable[..., Callable[[], None]]] = dict(ours=hierarchy_step, baseline=flat_step)


def peak_of(side: str, dim: int, size: int, segments: int, device: str, threads: int) -> int:
    """Peak of a step, in bytes."""
    torch.set_num_threads(threads)
    return peak_bytes(STEPS[side](dim, size, segments, device), device)


def flat_rows(args: argparse.Namespace, dim: int) -> List[Ratio]:
    """The hierarchy against one graph of all nodes: not the same function, but of the same width and layers."""
    sizes = (dim, args.flat_batch, args.segments, args.device)
    times = median_seconds(
        {name: step(*sizes) for name, step in STEPS.items()}, max(args.rounds // 2, 1), 1, args.clock
    )
    measure = peak_of if args.device.startswith('cuda') else partial(peak_bytes_of_process, peak_of)
    peaks = {name: measure(name, *sizes, args.threads) for name in STEPS}
    nodes = args.segments * (FRAMES + WORDS)
    what = f'width {dim}, step of {args.flat_batch} clips: hierarchy / one graph of {nodes} nodes'
    return [
        Ratio(what, times['ours'], times['baseline']),
        Ratio(f'width {dim}, its peak memory', peaks['ours'], peaks['baseline'], 'at most 0.25', 'bytes'),
    ]


@torch.no_grad()
def event_rows(args: argparse.Namespace, dim: int) -> List[Ratio]:
    """Real events against padded ones."""
    graph = SegmentRelationGraph(dim, HEADS, dropout=0.0).to(args.device).eval()
    premise = make_premise(args.batch, args.segments, dim, args.device)
    statement = make_statement(args.batch, dim, args.device)
    video, text = (torch.randn(args.batch, args.segments, dim, device=args.device) for _ in range(2))
    rows = statement.rows
    every = torch.ones_like(statement.event_mask).nonzero()
    run = lambda chosen: graph(  # noqa: E731
        video, text, premise, statement.events[chosen[:, 0], chosen[:, 1]], chosen[:, 0]
    )
    padded = run(every).seen.view(args.batch, PADDED_EVENTS, -1)
    torch.testing.assert_close(run(rows).seen, padded[rows[:, 0], rows[:, 1]], atol=1e-4, rtol=1e-4)
    times = median_seconds(
        dict(ours=lambda: run(rows), baseline=lambda: run(every)), args.rounds, args.warm_up, args.clock
    )
    what = f'width {dim}, graph along the clip: {len(rows)} real events / {len(every)} padded'
    return [Ratio(what, times['ours'], times['baseline'], 'at most 0.5')]


@torch.no_grad()
def premise_rows(args: argparse.Namespace, dim: int) -> List[Ratio]:
    """Six statements of a clip: features of ResNet-101 and of BERT projected once, or every time."""
    encoder = PremiseEncoder(2048, dim, 0.0).to(args.device).eval()
    project = feature_projection(768, dim, 0.0).to(args.device).eval()
    graph = LocalInteractionGraph(dim, HEADS, dropout=0.0).to(args.device).eval()
    size, segments = 2, args.segments
    flat = torch.arange(segments * FRAMES, device=args.device).view(1, segments, FRAMES).expand(size, -1, -1)
    words = torch.arange(segments * WORDS, device=args.device).view(1, segments, WORDS).expand(size, -1, -1)
    made = make_premise(size, segments, dim, args.device)
    inputs = dict(
        video=torch.randn(size, segments * FRAMES, 2048, device=args.device), frame_index=flat, word_index=words,
        frame_mask=made.frame_mask, word_mask=made.word_mask, segment_mask=made.mask, segment_times=made.times,
        duration=torch.ones(size, device=args.device),
    )  # fmt: skip
    said = torch.randn(size, segments * WORDS, 768, device=args.device)
    statements = [make_statement(size, dim, args.device) for _ in range(6)]

    def once() -> List[Tensor]:
        premise = encoder(inputs, project(said))
        return [graph(premise, statement)[0] for statement in statements]

    def every_time() -> List[Tensor]:
        return [graph(encoder(inputs, project(said)), statement)[0] for statement in statements]

    for one, other in zip(once(), every_time()):
        torch.testing.assert_close(one, other)
    times = median_seconds(dict(ours=once, baseline=every_time), args.rounds, args.warm_up, args.clock)
    what = f'width {dim}, six statements of a clip: encoded once / each time'
    return [Ratio(what, times['ours'], times['baseline'], 'goal 0.67')]


def text_rows(args: argparse.Namespace) -> List[Ratio]:
    """Reading features of words against making them in the loop."""
    try:
        encoder = TransformerSentenceEncoder(max_length=256)
        texts = ['i do not know what he wants from us .'] * 10
        expected = encoder.encode_tokens(texts)
    except (ImportError, FileNotFoundError) as error:
        print(f'text is left out: {error}')
        return []
    kept = [each.vectors.astype(np.float16) for each in expected]
    read = lambda: [each.astype(np.float32) for each in kept]  # noqa: E731
    sides = dict(ours=read, baseline=lambda: encoder.encode_tokens(texts))
    times = median_seconds(sides, args.rounds, args.warm_up, args.clock)
    return [Ratio('words of ten lines: kept / by a language model', times['ours'], times['baseline'])]


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--parts', nargs='+', choices=PARTS, default=list(PARTS), help='what to measure (all)')
    parser.add_argument('--batch', type=int, default=16, help='clips (16)')
    parser.add_argument('--flat-batch', type=int, default=1, help='clips beside the flat graph (1)')
    parser.add_argument('--segments', type=int, default=24, help='segments of a clip (24)')
    parser.add_argument('--dims', type=int, nargs='+', default=[64, 256], help='widths (64 and 256)')
    add_timing_arguments(parser, rounds=5, warm_up=1, clock=True)
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    init_default_scope('vlplugins')
    measures = dict(local=local_rows, flat=flat_rows, events=event_rows, premise=premise_rows)
    rows = [row for part in args.parts if part != 'text' for dim in args.dims for row in measures[part](args, dim)]
    rows += text_rows(args) if 'text' in args.parts else []
    print_ratios('AHGN', rows, args)


if __name__ == '__main__':
    main()
