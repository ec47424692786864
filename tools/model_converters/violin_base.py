"""Convert checkpoints of the public baseline of VIOLIN (a state dict of its code) to ViolinBase, and back.

Examples:
  python tools/model_converters/violin_base.py ckpt.pt violin_base.pth
  python tools/model_converters/violin_base.py ckpt.pt violin_base.pth --streams subtitle
  python tools/model_converters/violin_base.py violin_base.pth back.pt --to-violin

With two streams the release also holds the LSTMs of the one-stream models, whose results it throws away: they are left
out, and told. Going back they are written as zeros, as its code builds them in any case. Any other key that has no
place, and any that is missing, is an error that names it. Its outputs are probabilities, ours logits; the last layer is
the same.
"""

import argparse
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import torch
from torch import Tensor

from vlplugins.utils import safe_pickle
from vlplugins.utils.cli import UsageError, friendly_errors

Weights = Dict[str, Tensor]
STREAMS = dict(both=('video', 'subtitle'), video=('video',), subtitle=('subtitle',))
_FUSION = dict(both='lstm_mature_vid', video='vid_ctx_rnn', subtitle='sub_ctx_rnn')
_UNUSED = ('vid_ctx_rnn.', 'sub_ctx_rnn.')
_PARTS = ('weight_ih_l0', 'weight_hh_l0', 'bias_ih_l0', 'bias_hh_l0')


def pairs_of(streams: str) -> List[Tuple[str, str]]:
    """Names in the release and ours of a model of ``'both'`` streams, ``'video'`` or ``'subtitle'`` alone."""
    layers = [('bert_fc.1', 'text_proj.1'), ('final_fc.0', 'classifier.0'), ('final_fc.3', 'classifier.3')]
    lstms = [(_FUSION[streams], 'fusion_lstm')]
    if 'video' in STREAMS[streams]:
        layers.append(('video_fc.1', 'video_proj.1'))
        lstms.append(('lstm_raw', 'video_lstm'))
    pairs = [(f'{source}.{part}', f'{ours}.{part}') for source, ours in layers for part in ('weight', 'bias')]
    for source, ours in lstms:
        for part in _PARTS:
            pairs.append((f'{source}.rnn.{part}', f'{ours}.onward.{part}'))
            pairs.append((f'{source}.rnn.{part}_reverse', f'{ours}.backward_.{part}'))
    return pairs


def convert(weights: Weights, streams: str = 'both', to_violin: bool = False) -> Tuple[Weights, List[str]]:
    """Weights under their other names, and the keys that were left out.

    Raises:
        UsageError: a missing key, or keys that have no place; they are named.
    """
    source = {name.removeprefix('module.'): value for name, value in weights.items()}
    made: Weights = {}
    for released, ours in pairs_of(streams):
        name, target = (ours, released) if to_violin else (released, ours)
        if name not in source:
            raise UsageError(f'{name} is missing; is it a checkpoint of {streams}? It has {sorted(weights)[:4]}')
        made[target] = source.pop(name)
    unused = [name for name in source if streams == 'both' and name.startswith(_UNUSED)]
    left = sorted(set(source) - set(unused))
    if left:
        raise UsageError(f'{len(left)} keys have no place in a model of {streams}: {left[:4]}')
    if to_violin and streams == 'both':
        made.update(_thrown_away(made))
    return made, unused


def _thrown_away(made: Weights) -> Weights:
    """Zeros for the LSTMs of the one-stream models: 3 parts of the width of a word in place of 5."""
    found: Weights = {}
    width = made['bert_fc.1.weight'].size(0)
    for prefix in _UNUSED:
        for name, value in made.items():
            if name.startswith('lstm_mature_vid.'):
                shape = (value.size(0), 3 * width) if 'weight_ih' in name else value.shape
                found[prefix + name.removeprefix('lstm_mature_vid.')] = value.new_zeros(shape)
    return found


def read_weights(path: str) -> Weights:
    """Weights of a checkpoint, read without running it.

    Raises:
        UsageError: no such file, or no weights in it.
    """
    if not Path(path).is_file():
        raise UsageError(f'no such file: {path}')
    content: Any = torch.load(
        path, map_location='cpu', weights_only=False, pickle_module=safe_pickle.as_pickle_module(path)
    )
    if isinstance(content, dict) and isinstance(content.get('state_dict'), dict):
        content = content['state_dict']
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise UsageError(f"{path} holds no weights; expected a dict of tensors, or one under 'state_dict'")
    return content


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Convert a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', help='checkpoint to read')
    parser.add_argument('out', help='checkpoint to write')
    parser.add_argument('--streams', choices=sorted(STREAMS), default='both', help='what the model reads')
    parser.add_argument('--to-violin', action='store_true', help='from ours to the names of the release')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args(argv)
    weights = read_weights(args.source)
    made, unused = convert(weights, args.streams, args.to_violin)
    Path(args.out).parent.mkdir(parents=True, exist_ok=True)
    torch.save(made if args.to_violin else dict(state_dict=made), args.out)
    print(f'{len(weights)} keys read, {len(made)} written to {args.out}, none missing; left out: {unused or "none"}')


if __name__ == '__main__':
    main()
