"""Print a config as the runner sees it: inheritance resolved, options applied.

Example: python tools/misc/print_config.py configs/slimclr/slimclr_demo.py --cfg-options model.momentum=0.9
"""

import argparse
from pathlib import Path
from typing import List, Optional

import vlplugins  # noqa: F401  (checks versions and installs the workarounds)
from vlplugins.utils.cli import UsageError, add_config_options, friendly_errors, load_config


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('--key', help='print this key alone, e.g. model.backbone')
    parser.add_argument('--no-check', action='store_true', help='print a config that has problems too')
    parser.add_argument('--out', help='write it to this .py, .json or .yaml file instead')
    add_config_options(parser)
    return parser.parse_args(argv)


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Print."""
    args = parse_args(argv)
    cfg = load_config(args.config, args.cfg_options, check=not args.no_check)
    if args.key:
        value = cfg
        for part in args.key.split('.'):
            try:
                value = value[int(part)] if isinstance(value, (list, tuple)) else value[part]
            except (KeyError, IndexError, ValueError, TypeError):
                raise UsageError(f'{args.config} has no key {args.key!r} (at {part!r})') from None
        print(value)
    elif args.out:
        if Path(args.out).suffix not in ('.py', '.json', '.yaml', '.yml'):
            raise UsageError(f'--out {args.out}: the file must end in .py, .json or .yaml')
        cfg.dump(args.out)
    else:
        print(cfg.pretty_text)


if __name__ == '__main__':
    main()
