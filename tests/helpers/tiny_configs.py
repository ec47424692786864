"""Small configs written to disk, for tests of the tools."""

from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

_TEMPLATE = """
_base_ = [{base!r}]
max_epochs = {epochs}
synthetic_data = dict(root={data!r}, num_val=1300)
data_root = {data!r}
model = dict(
    backbone=dict(base_channels=8, stage_blocks=(1, 1), widths=(1.0, 0.5)),
    neck=dict(in_channels=16, hid_channels=16, out_channels=8, widths=(1.0, 0.5)),
    queue_len=128,
    feat_dim=8,
)
train_dataloader = dict(batch_size=64, dataset=dict(data_root={data!r}))
val_dataloader = dict(dataset=dict(datasets={datasets}))
test_dataloader = val_dataloader
val_evaluator = [dict(type='KNNAccuracy', k=5, prefix='knn')]
test_evaluator = val_evaluator
custom_hooks = [dict(type='EpochSeedHook'), dict(type='SlowStartHook', start_epoch=1)]
param_scheduler = [dict(type='CosineAnnealingLR', by_epoch=True, T_max=max_epochs, convert_to_iter_based=True)]
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
default_hooks = dict(logger=dict(interval=1), checkpoint=dict(interval=1))
"""

_DATASETS = """[
    dict(
        type='ImageFolderDataset',
        data_root={data!r},
        data_prefix=split,
        extra_info=dict(role=role),
        test_mode=True,
        pipeline=[dict(type='LoadImage', color_type='grayscale'), dict(type='PackClassificationInputs')],
    )
    for split, role in (('train', 'bank'), ('val', 'query'))
]"""


def write_slimclr_config(folder: Path, epochs: int = 2, extra: str = '', **_: Any) -> Path:
    """Write a config of SlimCLR on 497 digits (7 iterations an epoch) with a tiny network; ``extra`` is appended."""
    data = str(folder / 'digits')
    text = _TEMPLATE.format(
        base=str(ROOT / 'configs/slimclr/slimclr_demo.py'),
        epochs=epochs,
        data=data,
        datasets=_DATASETS.format(data=data),
    )
    path = folder / 'tiny.py'
    path.write_text(text + extra)
    return path


def write_probe_config(folder: Path, num_val: int = 6, extra: str = '') -> Path:
    """Write a config of the linear probe on digits with a tiny network and few validation images."""
    data = str(folder / 'digits')
    path = folder / 'tiny_probe.py'
    path.write_text(
        f"""
_base_ = [{str(ROOT / 'configs/slimclr/slimclr_demo_probe.py')!r}]
synthetic_data = dict(root={data!r})
data_root = {data!r}
model = dict(
    backbone=dict(base_channels=8, stage_blocks=(1, 1), widths=(1.0, 0.5)),
    head=dict(in_channels=16, widths=(1.0, 0.5)),
)
train_dataloader = dict(batch_size=64, dataset=dict(data_root={data!r}, indices=128))
val_dataloader = dict(dataset=dict(data_root={data!r}, indices={num_val}))
test_dataloader = val_dataloader
load_from = None
train_cfg = dict(max_epochs=1, val_interval=1)
"""
        + extra
    )
    return path
