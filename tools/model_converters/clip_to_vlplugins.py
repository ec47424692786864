"""Convert a CLIP checkpoint to a text-video retriever, or the towers of a retriever back to the layout of OpenAI.

Example: python tools/model_converters/clip_to_vlplugins.py ViT-B-32.pt clip_vit-b32.pth

Read are OpenAI's files (a TorchScript archive or a plain dict), released checkpoints of CenterCLIP and CLIP4Clip, and
those of transformers (``pytorch_model.bin``, ``model.safetensors``). Every key must be known and none of the model may
be missing; otherwise the report says which, and nothing is written.
"""

import argparse
import math
import re
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Optional

import torch
import torch.nn.functional as F
from torch import Tensor

from vlplugins.compat.checkpoint_loading import is_torchscript, load_checkpoint_file
from vlplugins.registry import MODELS
from vlplugins.utils.cli import UsageError, friendly_errors
from vlplugins.utils.optional import require

State = Dict[str, Tensor]
_BLOCK = r'(?:(?:ln_[12]|attn\.out_proj|mlp\.c_fc|mlp\.c_proj)\.(?:weight|bias)|attn\.in_proj_(?:weight|bias))'
_STACK = rf'transformer\.resblocks\.\d+\.{_BLOCK}'
_VISION = rf'conv1\.weight|class_embedding|positional_embedding|proj|ln_(?:pre|post)\.(?:weight|bias)|{_STACK}'
_TEXT = rf'token_embedding\.weight|positional_embedding|text_projection|ln_final\.(?:weight|bias)|{_STACK}'
# What files hold beside weights, and a module of CenterCLIP that is computed anew.
_NO_WEIGHTS = r'input_resolution|context_length|vocab_size|(?:.+\.)?position_ids|.+\.tokencluster_inter\.spg(?:\..+)?'
_TRANSFORMERS_NAMES = {
    'vision_model.embeddings.class_embedding': 'visual.class_embedding',
    'vision_model.embeddings.patch_embedding.weight': 'visual.conv1.weight',
    'vision_model.embeddings.position_embedding.weight': 'visual.positional_embedding',
    'vision_model.pre_layrnorm': 'visual.ln_pre',
    'vision_model.post_layernorm': 'visual.ln_post',
    'text_model.embeddings.token_embedding.weight': 'token_embedding.weight',
    'text_model.embeddings.position_embedding.weight': 'positional_embedding',
    'text_model.final_layer_norm': 'ln_final',
    'logit_scale': 'logit_scale',
}
_TRANSFORMERS_LAYERS = {
    'layer_norm1': 'ln_1',
    'layer_norm2': 'ln_2',
    'self_attn.out_proj': 'attn.out_proj',
    'mlp.fc1': 'mlp.c_fc',
    'mlp.fc2': 'mlp.c_proj',
}


class Converted(NamedTuple):
    """A converted state, and the keys of the source that have no place in it: by intent, and unknown ones."""

    state: State
    unused: List[str]
    unknown: List[str]


def load_state(path: str) -> State:
    """Tensors of a checkpoint file, without ``module.`` before their names; nothing of the file is run."""
    if Path(path).is_file() and is_torchscript(Path(path)):
        loaded = torch.jit.load(path, map_location='cpu').state_dict()
    elif path.endswith('.safetensors'):
        loaded = require('safetensors.torch', f'{path}').load_file(path)
    else:
        loaded = load_checkpoint_file(path, map_location='cpu')
        loaded = loaded.get('state_dict', loaded) if isinstance(loaded, dict) else {}
    state = {re.sub(r'^module\.', '', key): value for key, value in loaded.items() if isinstance(value, Tensor)}
    if not state:
        raise UsageError(f'{path}: no tensors found; expected a dict of them, or one under "state_dict"')
    return state


def layout_of(state: State) -> str:
    """Layout of the keys: ``'transformers'``, ``'release'`` (CenterCLIP, CLIP4Clip), ``'vlplugins'``, ``'openai'``."""
    for layout, prefix in (('transformers', 'vision_model.'), ('release', 'clip.'), ('vlplugins', 'video_encoder.')):
        if any(key.startswith(prefix) for key in state):
            return layout
    return 'openai'


def from_openai(state: State) -> Converted:
    """Convert keys as OpenAI's and the released models name them (without ``clip.``)."""
    converted, unused, unknown = {}, [], []
    reducers = sorted({int(found.group(1)) for found in map(_cluster_embedding, state) if found})
    has_3d = 'visual.conv2.weight' in state
    for key, tensor in state.items():
        name, found = _our_name(key), _cluster_embedding(key)
        if re.fullmatch(_NO_WEIGHTS, key) or (has_3d and key == 'visual.conv1.weight'):
            unused.append(key)
        elif found:
            place = reducers.index(int(found.group(1)))
            converted[f'video_encoder.token_reducers.{place}.cluster_embedding'] = tensor.flatten(0, -2)
        elif name is None:
            unknown.append(key)
        else:
            converted[name] = tensor
    return Converted({key: tensor.float() for key, tensor in converted.items()}, unused, unknown)


def _cluster_embedding(key: str) -> Optional[re.Match]:
    return re.fullmatch(r'visual\.transformer\.resblocks\.(\d+)\.tokencluster_inter\.cluster_embed', key)


def _our_name(key: str) -> Optional[str]:
    if key == 'logit_scale':
        return 'head.logit_scale'
    if key == 'visual.conv2.weight':
        return 'video_encoder.conv1.weight'
    if key == 'frame_position_embeddings.weight':
        return 'head.positional_embedding'
    found = re.fullmatch(rf'transformerClip\.(resblocks\.\d+\.{_BLOCK})', key)
    if found:
        return f'head.transformer.{found.group(1)}'
    if re.fullmatch(rf'visual\.(?:{_VISION})', key):
        return f'video_encoder.{key[len("visual.") :]}'
    return f'text_encoder.{key}' if re.fullmatch(_TEXT, key) else None


def from_release(state: State) -> Converted:
    """Convert a checkpoint of CenterCLIP or CLIP4Clip: CLIP under ``clip.``, and the similarity beside it."""
    return from_openai({re.sub(r'^clip\.', '', key): tensor for key, tensor in state.items()})


def from_transformers(state: State) -> Converted:
    """Convert a ``CLIPModel`` of transformers: projections transposed, query, key and value joined."""
    renamed: State = {}
    for key, tensor in state.items():
        if key in ('visual_projection.weight', 'text_projection.weight'):
            renamed[dict(v='visual.proj', t='text_projection')[key[0]]] = tensor.T.contiguous()
            continue
        stem, _, kind = key.rpartition('.')
        layer = re.fullmatch(r'(vision|text)_model\.encoder\.layers\.(\d+)\.(.+)', stem)
        if layer:
            block = f'{"visual." if layer.group(1) == "vision" else ""}transformer.resblocks.{layer.group(2)}'
            part = layer.group(3)
            if part == 'self_attn.q_proj':
                triple = [state.get(f'{stem[: -len("q_proj")]}{letter}_proj.{kind}') for letter in 'qkv']
                if any(each is None for each in triple):
                    raise UsageError(f'{key}: the key or value projection beside it is missing')
                renamed[f'{block}.attn.in_proj_{kind}'] = torch.cat(triple)
            elif part not in ('self_attn.k_proj', 'self_attn.v_proj'):
                renamed[f'{block}.{_TRANSFORMERS_LAYERS.get(part, part)}.{kind}'] = tensor
        elif key in _TRANSFORMERS_NAMES:
            renamed[_TRANSFORMERS_NAMES[key]] = tensor
        else:
            renamed[f'{_TRANSFORMERS_NAMES[stem]}.{kind}' if stem in _TRANSFORMERS_NAMES else key] = tensor
    return from_openai(renamed)


def to_openai(state: State) -> Converted:
    """Convert the towers and the scale of a retriever to the keys of OpenAI; the rest is left out."""
    converted, unused = {}, []
    for key, tensor in state.items():
        part, _, rest = key.partition('.')
        if part == 'video_encoder' and re.fullmatch(_VISION, rest):
            converted[f'visual.{rest}'] = tensor
        elif part == 'text_encoder' and re.fullmatch(_TEXT, rest):
            converted[rest] = tensor
        elif key == 'head.logit_scale':
            converted['logit_scale'] = tensor
        else:
            unused.append(key)
    return Converted(converted, unused, [])


_CONVERTERS: Dict[str, Callable[[State], Converted]] = dict(
    openai=from_openai, release=from_release, transformers=from_transformers
)


def resize_positions(positions: Tensor, grid: int) -> Tensor:
    """Bicubic interpolation of positional embeddings ``[1 + g * g, D]`` to ``[1 + grid * grid, D]``."""
    side = math.isqrt(len(positions) - 1)
    image = positions[1:].T.reshape(1, -1, side, side)
    image = F.interpolate(image, size=(grid, grid), mode='bicubic', align_corners=False)
    return torch.cat([positions[:1], image.flatten(2)[0].T])


def infer_config(state: State) -> dict:
    """Config of the model that a converted state fits, from the shapes of its tensors.

    Raises:
        UsageError: tensors from which the sizes are read are missing.
    """

    def count(prefix: str) -> int:
        return len({key[len(prefix) :].split('.')[0] for key in state if key.startswith(prefix)})

    try:
        kernel, positions = state['video_encoder.conv1.weight'], state['video_encoder.positional_embedding']
        words, text_positions = state['text_encoder.token_embedding.weight'], state['text_encoder.positional_embedding']
        out_dims = state['video_encoder.proj'].size(1), state['text_encoder.text_projection'].size(1)
    except KeyError as error:
        raise UsageError(f'{error.args[0]} is missing: no CLIP with a vision transformer') from None
    width, patch = kernel.size(0), kernel.size(-1)
    grid = math.isqrt(len(positions) - 1)
    vision = dict(type='CLIPVisionTransformer', img_size=grid * patch, patch_size=patch, width=width)
    vision.update(layers=count('video_encoder.transformer.resblocks.'), heads=width // 64, out_dim=out_dims[0])
    if kernel.dim() == 5:
        vision['linear_patch'] = '3d'
    text = dict(type='CLIPTextTransformer', vocab_size=len(words), context_length=len(text_positions))
    text.update(width=words.size(1), layers=count('text_encoder.transformer.resblocks.'))
    text.update(heads=words.size(1) // 64, out_dim=out_dims[1])
    head = dict(type='MeanPoolSimilarityHead')
    temporal = count('head.transformer.resblocks.')
    if temporal:
        places, dims = state['head.positional_embedding'].shape
        head.update(temporal='transformer', embed_dims=dims, temporal_layers=temporal, temporal_heads=dims // 64)
        head['max_segments'] = places
    return dict(type='TextVideoRetriever', video_encoder=vision, text_encoder=text, head=head)


def missing_keys(state: State, config: dict) -> List[str]:
    """Keys of the model of ``config`` that ``state`` lacks or holds in another shape."""
    with torch.device('meta'):
        expected = MODELS.build(config).state_dict()
    wrong = []
    for key, tensor in expected.items():
        if key not in state:
            wrong.append(key)
        elif state[key].shape != tensor.shape:
            wrong.append(f'{key} {tuple(tensor.shape)}, found {tuple(state[key].shape)}')
    return wrong


def add_temporal(state: State, layers: int) -> None:
    """Start a transformer over segments from the text tower: its positions and its first blocks (CLIP4Clip)."""
    for key in list(state):
        found = re.fullmatch(r'text_encoder\.(transformer\.resblocks\.(\d+)\..+|positional_embedding)', key)
        if found and (found.group(2) is None or int(found.group(2)) < layers):
            state[f'head.{found.group(1)}'] = state[key].clone()


def _shown(names: List[str]) -> str:
    more = [f'and {len(names) - 20} more'] if len(names) > 20 else []
    return '\n  '.join([*names[:20], *more])


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Convert."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', help='checkpoint to read')
    parser.add_argument('out', help='checkpoint to write')
    parser.add_argument('--img-size', type=int, help='side of the frames; positions are interpolated to it')
    parser.add_argument('--temporal-layers', type=int, default=0, help="start a head with temporal='transformer'")
    parser.add_argument(
        '--to-openai', action='store_true', help='the way back: towers of a retriever as OpenAI names them'
    )
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args(argv)
    source = load_state(args.source)
    layout = layout_of(source)
    if args.to_openai != (layout == 'vlplugins'):
        raise UsageError(f'{args.source} has the layout of {layout}; --to-openai is for (all) checkpoints of vlplugins')
    if args.to_openai:
        converted = to_openai(source)
        content: dict = converted.state
    else:
        converted = _CONVERTERS[layout](source)
        content = dict(state_dict=converted.state, meta=dict(source=args.source, layout=layout))
    if converted.unknown:
        raise UsageError(
            f'{args.source} ({layout}): {len(converted.unknown)} of {len(source)} keys are unknown, nothing written:'
            f'\n  {_shown(converted.unknown)}'
        )
    if not args.to_openai:
        content['meta']['model'] = _complete(converted.state, args)
    torch.save(content, args.out)
    print(f'{args.out}: {len(converted.state)} tensors from {len(source)} of layout {layout}, 0 unknown, 0 missing')
    if converted.unused:
        print(f'{len(converted.unused)} keys have no use:\n  {_shown(converted.unused)}')


def _complete(state: State, args: argparse.Namespace) -> dict:
    """Adapt a converted state to the options, check that it fills its model, and print and return the config of it."""
    config = infer_config(state)
    vision = config['video_encoder']
    if args.img_size and args.img_size != vision['img_size']:
        if args.img_size % vision['patch_size']:
            raise UsageError(f'--img-size {args.img_size} is no multiple of the patch size {vision["patch_size"]}')
        grid, key = args.img_size // vision['patch_size'], 'video_encoder.positional_embedding'
        state[key] = resize_positions(state[key], grid)
        print(f'positions interpolated from {vision["img_size"]} to {args.img_size} pixels ({grid} x {grid} patches)')
    if args.temporal_layers:
        add_temporal(state, args.temporal_layers)
    config = infer_config(state)
    missing = missing_keys(state, config)
    if missing:
        raise UsageError(f'{len(missing)} tensors of the model are missing, nothing written:\n  {_shown(missing)}')
    for name in ('video_encoder', 'text_encoder', 'head'):
        print(f'{name} = {config[name]}')
    return config


if __name__ == '__main__':
    main()
