"""Convert weights for VDD: those of the release, or of an mmdet Faster R-CNN with a C4 backbone as initialisation.

Examples:
  python tools/model_converters/vdd_weights.py official sunny_to_night.pth vdd.pth
  python tools/model_converters/vdd_weights.py mmdet faster_rcnn_r50_caffe_c4.pth initial.pth
  python tools/model_converters/vdd_weights.py to-official vdd.pth for_the_release.pth
  python tools/model_converters/vdd_weights.py to-mmdet source_only.pth faster_rcnn_c4.pth

A plain detector initialises the backbone, the RPN and, twice, the last stage and the box heads, with no weight on the
contexts; decomposer and classifiers keep theirs, so use it as load_from. Keys that are not used are told; of the
release, and on the ways back, every key must be used. A detector with decomposition or contexts is no plain Faster
R-CNN, so to-mmdet takes those without (ablation_source-only) alone; boxes of the background, which the release has and
never reads, are zeros.
"""

import argparse
import re
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import torch
from torch import Tensor

from vlplugins.utils.cli import UsageError, friendly_errors

State = Dict[str, Tensor]
_BRANCHES = (('di', 'invariant'), ('base', 'base'))
_PREFIXES: Tuple[Tuple[str, str], ...] = (
    (r'RCNN_base1\.0\.', 'backbone.conv1.'),
    (r'RCNN_base1\.1\.', 'backbone.bn1.'),
    (r'RCNN_base1\.4\.', 'backbone.layer1.'),
    (r'RCNN_base2\.0\.', 'backbone.layer2.'),
    (r'RCNN_base2\.1\.', 'backbone.layer3.'),
    (r'di\.di\.', 'decomposer.layers.'),
    (r'netD_pixel\.', 'pixel_classifier.'),
    (r'netD_base\.', 'base_classifier.'),
    (r'netD_ds\.', 'specific_classifier.'),
    (r'RCNN_rpn\.RPN_Conv\.', 'rpn_head.rpn_conv.'),
    (r'RCNN_rpn\.RPN_bbox_pred\.', 'rpn_head.rpn_reg.'),
    (r'RCNN_top_di\.0\.', 'roi_head.invariant.shared_head.layer4.'),
    (r'RCNN_top_base\.0\.', 'roi_head.base.shared_head.layer4.'),
)


def convert_official(state: State) -> State:
    """Weights of the release under our names.

    Anchors' scores are nine of background, then nine of foreground, in the release; here foreground and background by
    turns. Class 0 is the background there; here it is the last.

    Raises:
        UsageError: keys that are not known.
    """
    converted: State = {}
    unknown: List[str] = []
    for key, value in state.items():
        head = re.fullmatch(r'RCNN_(cls_score|bbox_pred)_(di|base)\.(weight|bias)', key)
        if head:
            kind, branch, name = head.groups()
            value = torch.cat([value[1:], value[:1]]) if kind == 'cls_score' else value[4:]
            layer = 'fc_cls' if kind == 'cls_score' else 'fc_reg'
            converted[f'roi_head.{dict(_BRANCHES)[branch]}.bbox_head.{layer}.{name}'] = value
        elif key.startswith('RCNN_rpn.RPN_cls_score.'):
            count = len(value) // 2
            converted[f'rpn_head.rpn_cls.{key.split(".")[-1]}'] = torch.stack(
                [value[count:], value[:count]], dim=1
            ).flatten(0, 1)
        else:
            found = [(re.sub(f'^{old}', new, key)) for old, new in _PREFIXES if re.match(old, key)]
            unknown += [] if found else [key]
            converted.update({name: value for name in found})
    if unknown:
        raise UsageError(f'{len(unknown)} keys are not of the release of VDD, among them {unknown[:5]}')
    return converted


def to_official(state: State) -> State:
    """Our weights under the names of the release, the inverse of :func:`convert_official`.

    Raises:
        UsageError: keys that the release lacks.
    """
    names = {new: re.sub(r'\\', '', old) for old, new in _PREFIXES}
    converted: State = {}
    unknown: List[str] = []
    for key, value in state.items():
        head = re.fullmatch(r'roi_head\.(invariant|base)\.bbox_head\.fc_(cls|reg)\.(weight|bias)', key)
        prefix = next((new for new in names if key.startswith(new)), None)
        if head:
            branch, kind, name = head.groups()
            first = value[-1:] if kind == 'cls' else torch.zeros_like(value[:4])
            value = torch.cat([first, value[:-1] if kind == 'cls' else value])
            layer = 'cls_score' if kind == 'cls' else 'bbox_pred'
            converted[f'RCNN_{layer}_{"di" if branch == "invariant" else branch}.{name}'] = value
        elif key.startswith('rpn_head.rpn_cls.'):
            converted[key.replace('rpn_head.rpn_cls', 'RCNN_rpn.RPN_cls_score')] = torch.cat([value[1::2], value[::2]])
        elif prefix:
            converted[names[prefix] + key[len(prefix) :]] = value
        else:
            unknown.append(key)
    if unknown:
        raise UsageError(f'the release has no place for {len(unknown)} keys, among them {unknown[:5]}')
    return converted


def to_mmdet(state: State) -> State:
    """Weights of a detector without decomposition and contexts as those of an mmdet Faster R-CNN.

    Raises:
        UsageError: keys of what a Faster R-CNN lacks.
    """
    unknown = [key for key in state if not key.startswith(('backbone.', 'rpn_head.', 'roi_head.base.'))]
    if unknown:
        raise UsageError(f'a plain Faster R-CNN has no place for {len(unknown)} keys, among them {unknown[:5]}')
    return {key.replace('roi_head.base.', 'roi_head.'): value for key, value in state.items()}


def convert_mmdet(state: State, contexts: int) -> Tuple[State, List[str]]:
    """Weights of a plain detector under our names, and the keys that are not used.

    Args:
        state: State of an mmdet Faster R-CNN with a C4 backbone.
        contexts: Length of all contexts that our heads get before the feature of the region.
    """
    converted: State = {}
    unused: List[str] = []
    for key, value in state.items():
        if key.startswith(('backbone.', 'rpn_head.')):
            converted[key] = value
        elif key.startswith(('roi_head.shared_head.', 'roi_head.bbox_head.')):
            if re.search(r'fc_(cls|reg)\.weight$', key):
                value = torch.cat([value.new_zeros(len(value), contexts), value], dim=1)
            for _, branch in _BRANCHES:
                converted[key.replace('roi_head.', f'roi_head.{branch}.', 1)] = value
        else:
            unused.append(key)
    return converted, unused


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Convert."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = ['official', 'mmdet', 'to-official', 'to-mmdet']
    parser.add_argument('kind', choices=kinds, help='where the weights are from, or go to')
    parser.add_argument('source', type=Path, help='checkpoint to read')
    parser.add_argument('out', type=Path, help='checkpoint to write')
    parser.add_argument('--contexts', type=int, default=256, help='length of the contexts of a head (default: 256)')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args(argv)
    if not args.source.is_file():
        raise UsageError(f'no such checkpoint: {args.source}')
    checkpoint = torch.load(args.source, map_location='cpu', weights_only=True)
    state = checkpoint.get('state_dict', checkpoint.get('model', checkpoint))
    unused: List[str] = []
    if args.kind == 'mmdet':
        converted, unused = convert_mmdet(state, args.contexts)
    else:
        ways = {'official': convert_official, 'to-official': to_official, 'to-mmdet': to_mmdet}
        converted = ways[args.kind](state)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    torch.save({'model' if args.kind == 'to-official' else 'state_dict': converted}, args.out)
    print(f'{len(state)} weights read, {len(state) - len(unused)} used, {len(unused)} not used: {unused[:10]}')
    print(f'{len(converted)} weights written to {args.out}')


if __name__ == '__main__':
    main()
