"""Put checkpoints of single streams of AFE-CNN together into one of several streams.

Example: python tools/model_converters/merge_skeleton_streams.py key.pth bone.pth motion.pth --out merged.pth
The order is that of the streams of the model. Every weight of every checkpoint must find its place, and be of the same
kind in all; the report says how many were used. --split does the opposite.
"""

import argparse
import re
from pathlib import Path
from typing import Dict, List, Optional

import torch
from torch import Tensor

from vlplugins.utils.cli import UsageError, check_checkpoint, friendly_errors

_PREFIXES = ('backbone.streams', 'cls_head.fcs')
_KEY = re.compile(rf'^({"|".join(map(re.escape, _PREFIXES))})\.(\d+)\.(.+)$')


def read_state(path: str) -> Dict[str, Tensor]:
    """Weights of a checkpoint, of streams alone.

    Raises:
        UsageError: another key.
    """
    check_checkpoint(path)
    content = torch.load(path, map_location='cpu', weights_only=True)
    state = content.get('state_dict', content)
    strange = [key for key in state if not _KEY.match(key)]
    if strange:
        raise UsageError(f'{path}: {len(strange)} weights belong to no stream, among them {strange[:3]}')
    return state


def merge(states: List[Dict[str, Tensor]]) -> Dict[str, Tensor]:
    """One state of several streams.

    Raises:
        UsageError: a state of several streams, or of other weights than the first.
    """
    merged: Dict[str, Tensor] = {}
    kinds = None
    for place, state in enumerate(states):
        found = {}
        for key, value in state.items():
            prefix, index, rest = _KEY.match(key).groups()  # type: ignore[union-attr]
            if index != '0':
                raise UsageError(f'checkpoint {place} has more than one stream ({key})')
            found[f'{prefix}.{rest}'] = value
            merged[f'{prefix}.{place}.{rest}'] = value
        # The channels of the image differ, hence the first normalisation and convolution.
        kinds = kinds or set(found)
        if set(found) != kinds:
            raise UsageError(f'checkpoint {place} lacks or adds {sorted(set(found) ^ kinds)[:4]}')
    return merged


def split(state: Dict[str, Tensor]) -> List[Dict[str, Tensor]]:
    """A state for each stream of one."""
    found: Dict[int, Dict[str, Tensor]] = {}
    for key, value in state.items():
        prefix, index, rest = _KEY.match(key).groups()  # type: ignore[union-attr]
        found.setdefault(int(index), {})[f'{prefix}.0.{rest}'] = value
    return [found[index] for index in sorted(found)]


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Convert."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('checkpoints', nargs='+', help='one for each stream; with --split one of all')
    parser.add_argument('--out', type=Path, required=True, help='checkpoint to write; with --split a folder')
    parser.add_argument('--split', action='store_true', help='write stream0.pth, stream1.pth, ...')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args(argv)
    states = [read_state(path) for path in args.checkpoints]
    if args.split:
        if len(states) != 1:
            raise UsageError('--split takes one checkpoint')
        outputs = {args.out / f'stream{index}.pth': each for index, each in enumerate(split(states[0]))}
    else:
        outputs = {args.out: merge(states)}
    for path, state in outputs.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(dict(state_dict=state, meta=dict()), path)
        print(f'{path}: {len(state)} weights')
    read, written = sum(map(len, states)), sum(map(len, outputs.values()))
    print(f'{read} weights read, {written} used, {read - written} unused')


if __name__ == '__main__':
    main()
