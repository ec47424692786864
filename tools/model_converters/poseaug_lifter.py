"""Convert lifters of PoseAug's release, and back.

Examples:
  python tools/model_converters/poseaug_lifter.py ckpt_best_h36m.pth.tar lifter.pth --lifter simplebaseline
  python tools/model_converters/poseaug_lifter.py lifter.pth back.pth.tar --lifter simplebaseline --to-poseaug

The release keeps its weights under 'model_pos' (PoseAug) or 'state_dict' (baselines). Ours have no bias before batch
normalisation: it is subtracted from the running mean, and back it is 0. Every key must be used; what is missing or left
is an error that names it.
"""

import argparse
import re
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

import torch
from torch import Tensor

from vlplugins.utils import safe_pickle
from vlplugins.utils.cli import UsageError, friendly_errors

Weights = Dict[str, Tensor]
_BN = ('weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked')
_HOLDERS = ('model_pos', 'state_dict')


def linear_pairs() -> List[Tuple[str, str, str]]:
    """Layer, its normalisation, and our name, of SimpleBaseline."""
    pairs = [('w1', 'batch_norm1', 'backbone.expand_conv')]
    for stage in range(2):
        for layer in (1, 2):
            source = f'linear_stages.{stage}.'
            ours = f'backbone.tcn_blocks.{stage}.conv{layer}.0'
            pairs.append((f'{source}w{layer}', f'{source}batch_norm{layer}', ours))
    return pairs


def convolution_pairs() -> List[Tuple[str, str, str]]:
    """Layer, its normalisation, and our name, of VideoPose with one frame."""
    pairs = [('expand_conv', 'expand_bn', 'backbone.expand_conv')]
    for block in range(4):
        for layer in (1, 2):
            index = 2 * block + layer - 1
            pairs.append((f'layers_conv.{index}', f'layers_bn.{index}', f'backbone.tcn_blocks.{block}.conv{layer}.0'))
    return pairs


def from_layers(source: Weights, pairs: List[Tuple[str, str, str]], head: str) -> Weights:
    """Our weights of a network of layers with normalisation; used keys are taken out of ``source``."""
    made: Weights = {}
    for layer, norm, ours in pairs:
        made[f'{ours}.conv.weight'] = _with_axis(source.pop(f'{layer}.weight'))
        bias = source.pop(f'{layer}.bias', None)
        for name in _BN:
            made[f'{ours}.bn.{name}'] = source.pop(f'{norm}.{name}')
        if bias is not None:
            made[f'{ours}.bn.running_mean'] = made[f'{ours}.bn.running_mean'] - bias
    made['head.conv.weight'] = _with_axis(source.pop(f'{head}.weight'))
    made['head.conv.bias'] = source.pop(f'{head}.bias')
    return made


def to_layers(ours: Weights, pairs: List[Tuple[str, str, str]], head: str, linear: bool) -> Weights:
    """The inverse of :func:`from_layers`; ``linear``: weights without the last axis, and with a bias of 0."""
    made: Weights = {}
    for layer, norm, name in pairs:
        weight = ours.pop(f'{name}.conv.weight')
        made[f'{layer}.weight'] = weight[..., 0] if linear else weight
        if linear:
            made[f'{layer}.bias'] = weight.new_zeros(len(weight))
        for part in _BN:
            made[f'{norm}.{part}'] = ours.pop(f'{name}.bn.{part}')
    weight = ours.pop('head.conv.weight')
    made[f'{head}.weight'] = weight[..., 0] if linear else weight
    made[f'{head}.bias'] = ours.pop('head.conv.bias')
    return made


def _with_axis(weight: Tensor) -> Tensor:
    return weight[..., None] if weight.dim() == 2 else weight


def from_graph(source: Weights) -> Weights:
    """Our weights of SemGCN or ST-GCN: the same names under ``backbone``; constant graphs are built, not loaded."""
    kept = {name: value for name, value in source.items() if not re.search(r'(^|\.)(A|A_pool|adj|m)$', name)}
    source.clear()
    return {f'backbone.{name.removeprefix("stgcn.")}': value for name, value in kept.items()}


def to_graph(ours: Weights, prefix: str) -> Weights:
    """The inverse of :func:`from_graph`."""
    names = [name for name in ours if name.startswith('backbone.')]
    return {prefix + name.removeprefix('backbone.'): ours.pop(name) for name in names}


CONVERTERS: Dict[str, Tuple[Callable[[Weights], Weights], Callable[[Weights], Weights]]] = dict(
    simplebaseline=(
        lambda source: from_layers(source, linear_pairs(), 'w2'),
        lambda ours: to_layers(ours, linear_pairs(), 'w2', linear=True),
    ),
    videopose=(
        lambda source: from_layers(source, convolution_pairs(), 'shrink'),
        lambda ours: to_layers(ours, convolution_pairs(), 'shrink', linear=False),
    ),
    semgcn=(from_graph, lambda ours: to_graph(ours, '')),
    stgcn=(from_graph, lambda ours: to_graph(ours, 'stgcn.')),
)


def convert(weights: Weights, lifter: str, to_poseaug: bool = False) -> Weights:
    """Convert the weights of a lifter.

    Raises:
        UsageError: a missing key, or keys that are left over; they are named.
    """
    source = {name.removeprefix('module.'): value for name, value in weights.items()}
    try:
        made = CONVERTERS[lifter][int(to_poseaug)](source)
    except KeyError as error:
        raise UsageError(f'{error} is missing; is it a checkpoint of {lifter}? It has {sorted(weights)[:4]}') from None
    if source:
        raise UsageError(f'{len(source)} keys have no place in {lifter}: {sorted(source)[:4]}')
    return made


def read_weights(path: str) -> Weights:
    """Weights of a checkpoint of the release or of ours, read without running it.

    Raises:
        UsageError: no such file, or no weights in it.
    """
    if not Path(path).is_file():
        raise UsageError(f'no such file: {path}')
    content: Any = torch.load(
        path, map_location='cpu', weights_only=False, pickle_module=safe_pickle.as_pickle_module(path)
    )
    for holder in _HOLDERS:
        if isinstance(content, dict) and isinstance(content.get(holder), dict):
            content = content[holder]
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise UsageError(f'{path} holds no weights; expected a dict under one of {_HOLDERS}, or weights alone')
    return content


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Convert a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', help='checkpoint to read')
    parser.add_argument('out', help='checkpoint to write')
    parser.add_argument('--lifter', choices=sorted(CONVERTERS), required=True, help='network of the checkpoint')
    parser.add_argument('--to-poseaug', action='store_true', help='from ours to the names of the release')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args(argv)
    weights = read_weights(args.source)
    made = convert(weights, args.lifter, args.to_poseaug)
    Path(args.out).parent.mkdir(parents=True, exist_ok=True)
    torch.save({'model_pos' if args.to_poseaug else 'state_dict': made}, args.out)
    print(f'{len(weights)} keys read, {len(made)} written to {args.out}; none is missing or left')


if __name__ == '__main__':
    main()
