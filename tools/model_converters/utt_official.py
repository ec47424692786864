"""Convert a checkpoint of the original UTT code (Flowerfan/Trackron) to ours, or back.

Examples:
  python tools/model_converters/utt_official.py utt_sot50.pth utt.pth --config configs/utt/utt_r50_c512_400k_released.py
  python tools/model_converters/utt_official.py utt.pth back.pth --config CONFIG --to-official

The convolutions of its necks have a bias before batch normalisation, which ours have not: it goes into the running
mean, and is 0 on the way back. Where the config has one class, row --class-row of its 20 classes is taken, the person.
Aliases of its box heads are left out. Keys that are unknown are listed, and nothing is written; those of ours that the
file lacks are listed too, and are an error unless --partial: a checkpoint of single objects alone need not hold the
detector.
"""

import argparse
import re
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import torch
from mmengine.registry import MODELS, init_default_scope
from torch import Tensor, nn

from vlplugins.compat.checkpoint_loading import load_checkpoint_file
from vlplugins.utils.cli import UsageError, friendly_errors, load_config

Weights = Dict[str, Tensor]

# Ours and theirs, as patterns whose groups are the same; the first that fits the whole name decides.
_PARTS: Tuple[Tuple[str, str], ...] = (
    (r'detector.backbone.(*)', r'backbone.(*)'),
    (r'detector.neck.convs.(#).conv.(*)', r'detection_proj.(#).0.(*)'),
    (r'tracking_neck.convs.(#).conv.(*)', r'tracking_proj.(#).0.(*)'),
    (r'detector.neck.convs.(#).norm.(*)', r'detection_proj.(#).1.(*)'),
    (r'tracking_neck.convs.(#).norm.(*)', r'tracking_proj.(#).1.(*)'),
    (r'target_encoder.project.(*)', r'target_proj.0.(*)'),
    (r'target_encoder.norm.(*)', r'target_proj.1.(*)'),
    (r'detector.level_embed', r'level_embed'),
    (r'detector.query_embedding.weight', r'query_embed.weight'),
    (r'detector.reference_points_fc.(*)', r'reference_points.(*)'),
    (r'detector.encoder.layers.(#).self_attn.(*)', r'encoder.layers.(#).self_attn.(*)'),
    (r'detector.encoder.layers.(#).norms.0.(*)', r'encoder.layers.(#).norm1.(*)'),
    (r'detector.encoder.layers.(#).norms.1.(*)', r'encoder.layers.(#).norm2.(*)'),
    (r'detector.encoder.layers.(#).ffn.layers.0.0.(*)', r'encoder.layers.(#).linear1.(*)'),
    (r'detector.encoder.layers.(#).ffn.layers.1.(*)', r'encoder.layers.(#).linear2.(*)'),
    (r'detector.decoder.layers.(#).self_attn.attn.(*)', r'det_decoder.layers.(#).self_attn.(*)'),
    (r'detector.decoder.layers.(#).cross_attn.(*)', r'det_decoder.layers.(#).cross_attn.(*)'),
    # Theirs number the normalisations by the order of the attentions in the text, ours by that of the computation.
    (r'detector.decoder.layers.(#).norms.0.(*)', r'det_decoder.layers.(#).norm2.(*)'),
    (r'detector.decoder.layers.(#).norms.1.(*)', r'det_decoder.layers.(#).norm1.(*)'),
    (r'detector.decoder.layers.(#).norms.2.(*)', r'det_decoder.layers.(#).norm3.(*)'),
    (r'detector.decoder.layers.(#).ffn.layers.0.0.(*)', r'det_decoder.layers.(#).linear1.(*)'),
    (r'detector.decoder.layers.(#).ffn.layers.1.(*)', r'det_decoder.layers.(#).linear2.(*)'),
    (r'detector.bbox_head.cls_branches.(#).(*)', r'class_head.(#).(*)'),
    (r'detector.bbox_head.reg_branches.(#).0.(*)', r'box_head.(#).layers.0.(*)'),
    (r'detector.bbox_head.reg_branches.(#).2.(*)', r'box_head.(#).layers.1.(*)'),
    (r'detector.bbox_head.reg_branches.(#).4.(*)', r'box_head.(#).layers.2.(*)'),
    (r'target_decoder.layers.(#).self_attention.(*)', r'sot_decoder.layers.(#).self_attn.(*)'),
    (r'target_decoder.layers.(#).cross.(*)', r'sot_decoder.layers.(#).multihead_attn.(*)'),
    (r'target_decoder.layers.(#).feedforward.0.(*)', r'sot_decoder.layers.(#).linear1.(*)'),
    (r'target_decoder.layers.(#).feedforward.3.(*)', r'sot_decoder.layers.(#).linear2.(*)'),
    (r'target_decoder.layers.(#).self_norm.(*)', r'sot_decoder.layers.(#).norm1.(*)'),
    (r'target_decoder.layers.(#).cross_norm.(*)', r'sot_decoder.layers.(#).norm2.(*)'),
    (r'target_decoder.layers.(#).norm.(*)', r'sot_decoder.layers.(#).norm3.(*)'),
    (r'target_decoder.norm.(*)', r'sot_decoder.norm.(*)'),
    (r'target_transformer.layers.(#).self_attention.(*)', r'track_head.interact_layers.(#).self_attn.(*)'),
    (r'target_transformer.layers.(#).correlation.layers.0.(*)', r'track_head.interact_layers.(#).interact.fc1.(*)'),
    (r'target_transformer.layers.(#).correlation.layers.1.(*)', r'track_head.interact_layers.(#).interact.norm1.(*)'),
    (r'target_transformer.layers.(#).correlation.layers.3.(*)', r'track_head.interact_layers.(#).interact.fc2.(*)'),
    (r'target_transformer.layers.(#).correlation.layers.4.(*)', r'track_head.interact_layers.(#).interact.norm2.(*)'),
    (r'target_transformer.layers.(#).feedforward.0.(*)', r'track_head.interact_layers.(#).linear1.(*)'),
    (r'target_transformer.layers.(#).feedforward.2.(*)', r'track_head.interact_layers.(#).linear2.(*)'),
    *(
        (rf'target_transformer.layers.(#).norm{n}.(*)', rf'track_head.interact_layers.(#).norm{n}.(*)')
        for n in (1, 2, 3)
    ),
    *(
        (rf'target_transformer.{ours}.(#).{3 * k + inner}.(*)', rf'track_head.{theirs}.(#).{k}.{inner}.(*)')
        for ours, theirs in (('box_heads', 'box_module'), ('score_heads', 'score_module'))
        for k in range(3)
        for inner in (0, 1)
    ),
    (r'target_transformer.box_heads.(#).9.(*)', r'track_head.box_module.(#).3.(*)'),
    (r'target_transformer.score_heads.(#).9.(*)', r'track_head.score_module.(#).3.(*)'),
    *(
        (rf'proposal_decoder.towers.0.{k}.{ours}.(*)', rf'sot_proposal.conv{k + 1}.{theirs}.(*)')
        for k in range(4)
        for ours, theirs in (('conv', 0), ('norm', 1))
    ),
    (r'proposal_decoder.towers.0.4.(*)', r'sot_proposal.conv5.(*)'),
)
# Their box heads have a second name; pixel statistics are ours by config.
_IGNORED = re.compile(r'det_decoder\.bbox_embed\..+|pixel_(mean|std)')


def _pattern(text: str) -> 're.Pattern[str]':
    return re.compile(re.escape(text).replace(r'\(\#\)', r'(\d+)').replace(r'\(\*\)', '(.+)'))


def _template(text: str) -> str:
    return text.replace('(#)', '{}').replace('(*)', '{}')


_RULES = [(_pattern(ours), _template(ours), _pattern(theirs), _template(theirs)) for ours, theirs in _PARTS]


def our_name(key: str) -> Optional[str]:
    """Our name of a key of the original, with ``norm`` for any normalisation; ``None`` for an unknown one."""
    for _, ours, pattern, _ in _RULES:
        found = pattern.fullmatch(key)
        if found:
            return ours.format(*found.groups())
    return None


def their_name(key: str) -> Optional[str]:
    """The inverse of :func:`our_name`."""
    for pattern, _, _, theirs in _RULES:
        found = pattern.fullmatch(key)
        if found:
            return theirs.format(*found.groups())
    return None


def plain_name(key: str, last: int) -> str:
    """A key of our state in the form of the rules: the last map of a neck among the others, ``bn`` and ``gn`` alike."""
    key = re.sub(r'\bextra_convs\.0\.', f'convs.{last}.', key)
    return re.sub(r'\b(convs\.\d+|towers\.0\.\d)\.(bn|gn)\.', r'\1.norm.', key)


def to_ours(source: Weights, model: nn.Module, class_row: int) -> Tuple[Weights, List[str]]:
    """Our state, and the keys of ``source`` that are unknown.

    Raises:
        UsageError: a tensor of another shape than that of the model.
    """
    wanted = model.state_dict()
    last = len(model.detector.neck.convs)
    by_name = {plain_name(key, last): key for key in wanted}
    made: Weights = {}
    unknown = []
    biases = {}
    for key, tensor in source.items():
        if _IGNORED.fullmatch(key):
            continue
        name = our_name(key)
        if name is not None and re.fullmatch(r'(detector\.neck|tracking_neck)\.convs\.\d+\.conv\.bias', name):
            if name not in by_name:
                biases[name] = tensor
                continue
        if name not in by_name:
            unknown.append(key)
            continue
        ours = by_name[name]
        if 'cls_branches' in ours and len(wanted[ours]) == 1 and len(tensor) > class_row:
            tensor = tensor[class_row : class_row + 1]
        if tensor.shape != wanted[ours].shape:
            shapes = f'{tuple(tensor.shape)} in the file, {tuple(wanted[ours].shape)} in the config'
            raise UsageError(f'{key} and {ours} have different shapes: {shapes}')
        made[ours] = tensor
    for name, bias in biases.items():
        mean = by_name.get(name.replace('conv.bias', 'norm.running_mean'))
        if mean not in made:
            raise UsageError(f'{their_name(name)} has no place: give the necks of the config batch normalisation')
        made[mean] = made[mean] - bias
    return made, unknown


def to_theirs(state: Weights, model: nn.Module, class_row: int, num_classes: int = 20) -> Weights:
    """The state of the original; classes that ours does not have are those of no object."""
    last = len(model.detector.neck.convs)
    made: Weights = {}
    for key, tensor in state.items():
        name = their_name(plain_name(key, last))
        if name is None:
            raise UsageError(f'{key} has no place in the original')
        if name.startswith('class_head') and len(tensor) == 1:
            full = tensor.new_full((num_classes, *tensor.shape[1:]), -4.6 if tensor.dim() == 1 else 0.0)
            full[class_row] = tensor[0]
            tensor = full
        made[name] = tensor
        if re.fullmatch(r'(detection|tracking)_proj\.\d+\.0\.weight', name):
            made[name.replace('weight', 'bias')] = tensor.new_zeros(len(tensor))
    return made


def build_model(config: str) -> nn.Module:
    """The tracker of a config, without its pretrained weights.

    Raises:
        UsageError: another model.
    """
    cfg = load_config(config)
    init_default_scope(cfg.get('default_scope') or 'vlplugins')
    if str(cfg.model.get('type')).rsplit('.', 1)[-1] != 'UnifiedTracker':
        raise UsageError(f'{config} has the model {cfg.model.get("type")}; expected a UnifiedTracker')
    return MODELS.build(cfg.model)


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Convert."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', help='checkpoint to read')
    parser.add_argument('out', help='checkpoint to write')
    parser.add_argument('--config', required=True, help='config of the tracker of the checkpoint')
    parser.add_argument('--to-official', action='store_true', help='from ours to the names of the original')
    parser.add_argument('--partial', action='store_true', help='allow weights of ours that the file lacks')
    parser.add_argument('--class-row', type=int, default=1, help='row of the person in 20 classes (1)')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args(argv)
    loaded: Any = load_checkpoint_file(args.source, map_location='cpu')
    state = next((loaded[key] for key in ('state_dict', 'model', 'net') if key in loaded), loaded)
    state = {re.sub(r'^module\.', '', key): tensor for key, tensor in state.items()}
    model = build_model(args.config)
    if args.to_official:
        made = to_theirs(state, model, args.class_row)
        unknown: List[str] = []
        missing: List[str] = []
    else:
        made, unknown = to_ours(state, model, args.class_row)
        missing = sorted(set(model.state_dict()) - set(made))
    for what, keys in (('unknown', unknown), ('missing', missing)):
        if keys:
            print(f'{len(keys)} keys are {what}:\n  ' + '\n  '.join(keys[:20]))
    if unknown or (missing and not args.partial):
        hint = '' if unknown else '; --partial allows weights that are missing'
        raise UsageError(f'{args.source}: nothing written{hint}')
    Path(args.out).parent.mkdir(parents=True, exist_ok=True)
    torch.save(dict(state_dict=made, meta=dict(source=Path(args.source).name)), args.out)
    print(f'{len(state)} tensors read, {len(made)} written to {args.out}')


if __name__ == '__main__':
    main()
