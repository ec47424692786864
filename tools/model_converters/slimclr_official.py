"""Convert a checkpoint of the original SlimCLR code (MoCo v2, MoCo v3, SimCLR, linear probe, detection).

Example: python tools/model_converters/slimclr_official.py slimclr_mocov2_200ep.pth.tar slimclr.pth
    --depth 50 --widths 1.0 0.75 0.5 0.25

Every key must be known: what is not converted is listed, and nothing is written.
"""

import argparse
import re
from typing import Dict, List, Optional, Sequence, Tuple

import torch
from torch import Tensor

from vlplugins.compat.checkpoint_loading import load_checkpoint_file
from vlplugins.utils.cli import UsageError, friendly_errors
from vlplugins.utils.widths import check_widths

# Blocks of each stage; the original numbers all blocks in one sequence.
_BLOCKS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
_ENCODERS = (
    ('encoder_q.', ''),
    ('base_encoder.', ''),
    ('encoder_k.', 'key_encoder.module.'),
    ('momentum_encoder.', 'key_encoder.module.'),
)
# Layers of the projector and the predictor, by their place in the original's sequence. With normalisation the second
# linear layer comes fourth, without it third.
_NECK = {'0': 'fc0', '1': 'bn0', '2': 'fc1', '3': 'fc1', '4': 'bn1'}
_PREDICTOR = {'0': 'fc0', '1': 'bn0', '3': 'fc1'}


def _block_name(number: int, depth: int) -> Optional[str]:
    for stage, count in enumerate(_BLOCKS[depth], 1):
        if number < count:
            return f'layer{stage}.{number}'
        number -= count
    return None


def convert_key(key: str, depth: int) -> Optional[str]:
    """Our name of a key of the original (without ``module.``), or ``None`` where it is unknown."""
    if key in ('queue', 'queue_ptr'):
        return key
    found = re.fullmatch(r'predictor\.(\d)\.(.+)', key)
    if found and found.group(1) in _PREDICTOR:
        return f'predictor.{_PREDICTOR[found.group(1)]}.{found.group(2)}'
    for prefix, ours in _ENCODERS:
        if key.startswith(prefix):
            return _convert_encoder_key(key[len(prefix) :], depth, ours)
    if key.startswith('fc.linears.'):
        return f'head.{key}'
    if key.startswith('backbone.'):
        rest = key[len('backbone.') :]
        return key if re.match(r'(conv1|bn1|layer[1-4]\.\d+)\.', rest) else None
    return _convert_encoder_key(key, depth, '')


def _convert_encoder_key(key: str, depth: int, prefix: str) -> Optional[str]:
    if re.match(r'(conv1\.weight|bn1\.bn\.\d+\.)', key):
        return f'{prefix}backbone.{key}'
    found = re.fullmatch(r'fc\.(\d)\.(.+)', key)
    if found and found.group(1) in _NECK:
        return f'{prefix}neck.{_NECK[found.group(1)]}.{found.group(2)}'
    found = re.fullmatch(r'features\.(\d+)\.(.+)', key)
    block = _block_name(int(found.group(1)), depth) if found else None
    if block is None:
        return None
    return f'{prefix}backbone.{block}.{re.sub(r"^shortcut", "downsample", found.group(2))}'


def convert_state(
    state: Dict[str, Tensor], depth: int, widths: Sequence[float], ascending: bool = False
) -> Tuple[Dict[str, Tensor], List[str]]:
    """Convert all tensors.

    Args:
        state: State of the original model.
        depth: Depth of its ResNet.
        widths: Its widths, in any order.
        ascending: Whether normalisation is numbered from the narrowest width (detection files).

    Returns:
        Our state, with the order of the widths beside each switchable layer, and the unknown keys.
    """
    widths = check_widths(widths)
    order = torch.tensor(widths[::-1] if ascending else widths)
    converted, unknown = {}, []
    for key, tensor in state.items():
        name = convert_key(re.sub(r'^module\.', '', key), depth)
        if name is None:
            unknown.append(key)
            continue
        converted[name] = tensor
        switchable = re.match(r'(.+)\.(bn|linears)\.(\d+)\.', name)
        if switchable:
            if int(switchable.group(3)) >= len(widths):
                raise UsageError(f'{key}: the file has more than the {len(widths)} widths {widths}; give --widths')
            converted[f'{switchable.group(1)}.width_order'] = order
    return converted, unknown


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Convert."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', help='checkpoint of the original code')
    parser.add_argument('out', help='checkpoint to write')
    parser.add_argument('--depth', type=int, choices=sorted(_BLOCKS), default=50, help='depth of the ResNet')
    parser.add_argument('--widths', type=float, nargs='+', default=[1.0, 0.75, 0.5, 0.25], help='widths of the file')
    parser.add_argument('--detection', action='store_true', help='a detection file: convert its backbone alone')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args(argv)
    loaded = load_checkpoint_file(args.source, map_location='cpu')
    state = loaded.get('state_dict', loaded)
    if args.detection:
        others = [key for key in state if not key.startswith('backbone.')]
        state = {key: tensor for key, tensor in state.items() if key.startswith('backbone.')}
        print(f'{len(others)} tensors of other parts are left out')
    converted, unknown = convert_state(state, args.depth, args.widths, ascending=args.detection)
    if unknown:
        shown = '\n  '.join(unknown[:20])
        raise UsageError(f'{args.source}: {len(unknown)} of {len(state)} keys are unknown, nothing written:\n  {shown}')
    torch.save(dict(state_dict=converted, meta=dict(source=args.source, epoch=loaded.get('epoch'))), args.out)
    print(f'{args.out}: {len(state)} tensors converted, 0 unknown')


if __name__ == '__main__':
    main()
