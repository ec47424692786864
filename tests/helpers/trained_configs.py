"""Training of a config through tools/train.py, as the tests of examples do it."""

import json
import math
from pathlib import Path
from typing import Any, Dict, List, Tuple

import torch
from torch import Tensor

from tests.helpers.runs import forget_runs
from tools import train

ONE_EPOCH = ['train_cfg.max_epochs=1', 'train_cfg.val_interval=1', 'default_hooks.checkpoint.interval=1']
EACH_STEP = [*ONE_EPOCH, 'default_hooks.logger.interval=1']


def epochs(count: int) -> List[str]:
    """Options for so many epochs, with one validation and one checkpoint."""
    return [
        f'{key}={count}'
        for key in ('train_cfg.max_epochs', 'train_cfg.val_interval', 'default_hooks.checkpoint.interval')
    ]


def run(config: Path, work_dir: Path, *options: str) -> Tuple[Dict[str, Any], List[dict], Dict[str, Tensor]]:
    """Train a config; returns its metrics, the records of its log and the weights of the last epoch."""
    forget_runs()
    out = work_dir / 'metrics.json'
    train.main([str(config), '--work-dir', str(work_dir), '--out', str(out), '--seed', '0', '--cfg-options', *options])
    (log,) = work_dir.glob('*/vis_data/scalars.json')
    records = [json.loads(line) for line in log.read_text().splitlines()]
    return (
        json.loads(out.read_text()),
        # Groups of parameters have a rate each: shared/lr, ...
        [each for each in records if 'epoch' in each and any(key.endswith('lr') for key in each)],
        weights(work_dir),
    )


def weights(work_dir: Path) -> Dict[str, Tensor]:
    """Weights of the one checkpoint of a work folder."""
    (path,) = work_dir.glob('epoch_*.pth')
    state = torch.load(path, weights_only=False)['state_dict']
    # FlexibleRunner saves the wrapper with the model; MMEngine's loader strips the same prefix.
    return {name.removeprefix('module.'): value for name, value in state.items()}


def assert_sound(records: List[dict], steps: int, key: str = 'loss') -> None:
    """There are so many losses, finite and above zero."""
    losses = [record[key] for record in records]
    assert len(losses) == steps and all(math.isfinite(loss) and loss > 0 for loss in losses), losses
