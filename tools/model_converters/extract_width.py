"""Write one width of a slimmable checkpoint as an ordinary ResNet checkpoint.

Example: python tools/model_converters/extract_width.py configs/slimclr/slimclr_resnet50_knn_in1k.py \
    work_dirs/slimclr/epoch_200.pth 0.5 resnet50_w0.50.pth

The result has the keys of torchvision and mmdet (conv1, bn1, layer1.0.conv1, ...) with int(C * width) channels, e.g.
for mmdet's ResNet(depth=50, base_channels=32); a classifier becomes fc. Its outputs are those of the slimmable network
at that width.
"""

import argparse
from typing import List, Optional

import torch
from mmengine.registry import init_default_scope
from mmengine.runner import load_checkpoint

from vlplugins.models.layers.extract import extract_state
from vlplugins.registry import MODELS
from vlplugins.utils.cli import UsageError, check_checkpoint, friendly_errors, load_config


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Extract."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config of the checkpoint')
    parser.add_argument('checkpoint', help='slimmable checkpoint')
    parser.add_argument('width', type=float, help='width to extract')
    parser.add_argument('out', help='checkpoint to write')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args(argv)
    cfg = load_config(args.config)
    check_checkpoint(args.checkpoint)
    init_default_scope(cfg.get('default_scope', 'vlplugins'))
    model = MODELS.build(cfg.model)
    loaded = load_checkpoint(model, args.checkpoint, map_location='cpu')
    try:
        state = extract_state(model.backbone, args.width)
    except ValueError as error:
        raise UsageError(str(error)) from None
    head = getattr(model, 'head', None)
    if head is not None and any(key.startswith('head.') for key in loaded.get('state_dict', loaded)):
        state.update({f'fc.{name}': tensor for name, tensor in extract_state(head.fc, args.width).items()})
    torch.save(dict(state_dict=state, meta=dict(width=args.width, source=args.checkpoint)), args.out)
    stem = state['conv1.weight'].size(0)
    print(f'{args.out}: {len(state)} tensors, {stem} channels after the stem (base_channels={stem})')


if __name__ == '__main__':
    main()
