"""Convert a checkpoint of BERT to the text encoder of LOUPE.

Example: python tools/model_converters/bert_small_to_vlplugins.py pytorch_model.bin bert_small.pth --max-len 64

Read are files of transformers (``pytorch_model.bin``, ``model.safetensors``), with or without ``bert.`` before names,
and with ``gamma`` and ``beta`` for the norms of older ones. Use it as
``text_backbone=dict(init_cfg=dict(type='Pretrained', checkpoint='bert_small.pth'))``.
"""

import argparse
import re
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional

import torch
from torch import Tensor

from vlplugins.compat.checkpoint_loading import load_checkpoint_file
from vlplugins.utils.cli import UsageError, friendly_errors
from vlplugins.utils.optional import require

State = Dict[str, Tensor]
_LAYER = {
    'attention.output.dense': 'attn.out_proj',
    'attention.output.LayerNorm': 'norm1',
    'intermediate.dense': 'fc1',
    'output.dense': 'fc2',
    'output.LayerNorm': 'norm2',
}
_PROJECTIONS = ('query', 'key', 'value')
# The heads of pre-training, and what is no weight.
_UNUSED = r'(pooler|cls|seq_relationship|predictions)\..+|embeddings\.position_ids'


class Converted(NamedTuple):
    """A converted state; keys of the source without a place in it, by intent and unknown ones."""

    state: State
    unused: List[str]
    unknown: List[str]


def load_state(path: str) -> State:
    """Tensors of a checkpoint file; nothing of the file is run."""
    if path.endswith('.safetensors'):
        return require('safetensors.torch', path).load_file(path)
    loaded = load_checkpoint_file(path, map_location='cpu')
    loaded = loaded.get('state_dict', loaded) if isinstance(loaded, dict) else {}
    return {key: value for key, value in loaded.items() if isinstance(value, Tensor)}


def convert(state: State, max_len: int) -> Converted:
    """Keys of BERT to those of :class:`BertTextEncoder`.

    The first token type is added to every position; query, key and value are joined.

    Raises:
        UsageError: fewer positions than ``max_len``, no embeddings, or a projection without the others.
    """
    names = {re.sub(r'^bert\.', '', key): key for key in state}
    renamed = {key.replace('.gamma', '.weight').replace('.beta', '.bias'): state[names[key]] for key in names}
    converted, unused, unknown = {}, [], []
    positions, types = (renamed.get(f'embeddings.{name}_embeddings.weight') for name in ('position', 'token_type'))
    if positions is None or types is None or len(positions) < max_len:
        found = None if positions is None else len(positions)
        raise UsageError(f'found {found} positions and token types {types is not None}; expected {max_len} and both')
    converted['position_embedding.weight'] = positions[:max_len] + types[0]
    for key, tensor in renamed.items():
        name = _place(key)
        if key in ('embeddings.position_embeddings.weight', 'embeddings.token_type_embeddings.weight'):
            continue
        if re.fullmatch(_UNUSED, key):
            unused.append(key)
        elif name is None:
            unknown.append(key)
        elif name.endswith(_PROJECTIONS):
            layer, kind = re.fullmatch(r'encoder\.layer\.(\d+)\..+\.(weight|bias)', key).groups()
            stem = f'encoder.layer.{layer}.attention.self'
            parts = [renamed.get(f'{stem}.{each}.{kind}') for each in _PROJECTIONS]
            if any(part is None for part in parts):
                raise UsageError(f'{key}: another projection of the layer is missing')
            converted[f'layers.{layer}.attn.in_proj_{kind}'] = torch.cat(parts)
        else:
            converted[name] = tensor
    return Converted(converted, unused, unknown)


def _place(key: str) -> Optional[str]:
    """Our name of a key; for a projection that of the part."""
    if key == 'embeddings.word_embeddings.weight':
        return 'token_embedding.weight'
    stem, _, kind = key.rpartition('.')
    if stem == 'embeddings.LayerNorm':
        return f'embed_norm.{kind}'
    found = re.fullmatch(r'encoder\.layer\.(\d+)\.(.+)', stem)
    if found is None:
        return None
    layer, part = found.groups()
    if part in [f'attention.self.{each}' for each in _PROJECTIONS]:
        return part
    return f'layers.{layer}.{_LAYER[part]}.{kind}' if part in _LAYER else None


def missing_keys(state: State) -> List[str]:
    """Keys of the encoder of so many layers that a converted state lacks."""
    layers = 1 + max((int(key.split('.')[1]) for key in state if key.startswith('layers.')), default=-1)
    parts = ['attn.in_proj_', *(f'{name}.' for name in _LAYER.values())]
    expected = ['token_embedding.weight', 'position_embedding.weight', 'embed_norm.weight', 'embed_norm.bias']
    for layer in range(max(layers, 1)):
        expected += [f'layers.{layer}.{part}{kind}' for part in parts for kind in ('weight', 'bias')]
    return [key for key in expected if key not in state]


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Convert."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', help='checkpoint to read')
    parser.add_argument('out', help='checkpoint to write')
    parser.add_argument('--max-len', type=int, default=64, help='positions to keep (default: 64)')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args(argv)
    if not Path(args.source).is_file():
        raise UsageError(f'no such checkpoint: {args.source}')
    source = load_state(args.source)
    converted = convert(source, args.max_len)
    missing = missing_keys(converted.state)
    if converted.unknown or missing:
        raise UsageError(
            f'{args.source}: unknown keys {converted.unknown[:20]}, missing keys {missing[:20]}; nothing written'
        )
    torch.save(dict(state_dict=converted.state, meta=dict(source=args.source)), args.out)
    print(f'{args.out}: {len(converted.state)} tensors from {len(source)}, 0 unknown, 0 missing')
    if converted.unused:
        print(f'{len(converted.unused)} keys have no use: {", ".join(converted.unused)}')


if __name__ == '__main__':
    main()
