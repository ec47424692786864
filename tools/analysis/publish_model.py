"""Make a checkpoint ready to publish: weights and meta information alone, with a hash in its name.

Example: python tools/analysis/publish_model.py work_dirs/slimclr_demo/epoch_40.pth slimclr_digits.pth
writes slimclr_digits-1a2b3c4d.pth without optimizer, schedulers and log buffers.
"""

import argparse
import hashlib
from pathlib import Path
from typing import List, Optional

import torch

from vlplugins.compat.checkpoint_loading import load_checkpoint_file
from vlplugins.utils.cli import UsageError, check_checkpoint, friendly_errors

# What of the meta information helps who loads it; the rest tells of the machine that trained it.
_KEPT_META = ('cfg', 'dataset_meta', 'epoch', 'iter', 'mmengine_version', 'seed')


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('checkpoint', help='checkpoint of a training')
    parser.add_argument('out', help='file to write; the hash is put before its ending')
    parser.add_argument('--prefix', default='', help="keep weights that start so, e.g. 'backbone.' (default: all)")
    parser.add_argument('--half', action='store_true', help='store floating-point weights in half precision')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    return parser.parse_args(argv)


def publish(checkpoint: dict, prefix: str = '', half: bool = False) -> dict:
    """Weights and meta information of a checkpoint.

    Raises:
        UsageError: it has no ``state_dict``, or no weight starts with ``prefix``.
    """
    if not isinstance(checkpoint, dict) or 'state_dict' not in checkpoint:
        found = sorted(map(str, checkpoint))[:6] if isinstance(checkpoint, dict) else type(checkpoint).__name__
        raise UsageError(f'the checkpoint has no state_dict; it has {found}')
    # Clones: a slice would be saved with all that it is cut from.
    weights = {name: value.cpu().clone() for name, value in checkpoint['state_dict'].items() if name.startswith(prefix)}
    if not weights:
        known = sorted({name.split('.')[0] for name in checkpoint['state_dict']})
        raise UsageError(f'no weight starts with {prefix!r}; the parts are {known}')
    if half:
        weights = {name: value.half() if value.is_floating_point() else value for name, value in weights.items()}
    meta = {key: value for key, value in (checkpoint.get('meta') or {}).items() if key in _KEPT_META}
    return dict(meta=meta, state_dict=weights)


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Publish."""
    args = parse_args(argv)
    check_checkpoint(args.checkpoint)
    out = Path(args.out)
    if out.suffix != '.pth':
        raise UsageError(f'{out}: the file must end in .pth')
    published = publish(load_checkpoint_file(args.checkpoint, map_location='cpu'), args.prefix, args.half)
    out.parent.mkdir(parents=True, exist_ok=True)
    unnamed = out.with_name(f'.{out.name}.part')
    torch.save(published, unnamed)
    digest = hashlib.sha256(unnamed.read_bytes()).hexdigest()[:8]
    final = unnamed.rename(out.with_name(f'{out.stem}-{digest}.pth'))
    count = sum(value.numel() for value in published['state_dict'].values())
    print(f'wrote {final}: {len(published["state_dict"])} tensors, {count:,} values')


if __name__ == '__main__':
    main()
