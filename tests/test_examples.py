"""Every example of configs/examples trains through tools/train.py, and two processes equal one."""

import importlib.util
import math
import os
import socket
import subprocess
import sys

import pytest
import torch
from mmengine.config import Config

from tests.helpers.tiny_configs import ROOT
from tests.helpers.trained_configs import EACH_STEP, ONE_EPOCH, assert_sound, epochs, run, weights
from tools import train
from vlplugins.utils.cli import apply_run_arguments

EXAMPLES = ROOT / 'configs' / 'examples'
pytestmark = pytest.mark.usefixtures('inside_shared_folder')


def test_faster_rcnn_trains_and_is_validated_at_two_widths(tmp_path):
    small = ['synthetic_data.num_train=24', 'synthetic_data.num_val=4']
    metrics, records, state = run(EXAMPLES / 'faster-rcnn_slimmable-resnet18_shapes.py', tmp_path, *EACH_STEP, *small)
    for width in ('w1.00', 'w0.50'):
        assert_sound(records, 3, f'{width}/loss')
        assert 0 <= metrics[f'{width}/coco/bbox_mAP'] <= 1
        assert all(record[f'{width}/loss_rpn_cls'] > 0 for record in records)
    assert all(math.isfinite(record['grad_norm']) and record['grad_norm'] > 0 for record in records)
    # The backbone is ours: one normalisation for each width, and both have seen data.
    moved = [state[f'backbone.bn1.bn.{index}.running_mean'].abs().sum() for index in (0, 1)]
    assert min(moved) > 0
    assert state['roi_head.bbox_head.fc_cls.weight'].shape[0] == 4


def test_recogniser_of_skeletons_learns(tmp_path):
    metrics, records, _ = run(EXAMPLES / 'stgcn_skeleton-actions.py', tmp_path, *epochs(10))
    assert_sound(records, 10)
    # Four classes; 32 clips at chance have a deviation of 8 points.
    assert metrics['acc/top1'] > 0.6


def test_pose_lifter_learns(tmp_path):
    metrics, records, _ = run(EXAMPLES / 'pose-lifter_human36m.py', tmp_path, *EACH_STEP)
    assert_sound(records, 24)
    assert sum(record['loss'] for record in records[-4:]) < 0.6 * sum(record['loss'] for record in records[:4])
    assert 0 < metrics['P-MPJPE'] <= metrics['MPJPE'] < 0.5


def test_config_of_mmdets_scope_uses_a_part_and_a_hook_of_ours(tmp_path):
    small = ['synthetic_data.num_train=32', 'synthetic_data.num_val=4', 'synthetic_data.root=data/synthetic/four']
    roots = [f'{loader}.dataset.data_root=data/synthetic/four/' for loader in ('train_dataloader', 'val_dataloader')]
    truth = 'val_evaluator.ann_file=data/synthetic/four/annotations/instances_val2017.json'
    # After four steps no score reaches the usual threshold.
    options = [*small, *roots, truth, 'model.test_cfg.score_thr=0.0', 'log_processor.window_size=1']
    metrics, records, state = run(EXAMPLES / 'mmdet-scope_custom-imports.py', tmp_path, *EACH_STEP, *options)
    assert_sound(records, 4)
    assert 0 <= metrics['coco/bbox_mAP'] <= 1
    # The part: a backbone of two widths of which the narrow one alone has seen data.
    assert state['backbone.conv1.weight'].shape[0] == 32
    moved = [state[f'backbone.bn1.bn.{index}.running_mean'].abs().sum() for index in (0, 1)]
    assert moved[0] == 0 and moved[1] > 0
    # The hook: from 0.1 to 1 over the first two of four steps.
    values = [record['bbox_head.loss_bbox.loss_weight'] for record in records]
    assert values == pytest.approx([0.1, 0.55, 1.0, 1.0])
    (dumped,) = tmp_path.glob('*.py')
    assert Config.fromfile(dumped).default_scope == 'mmdet'


def test_misspelt_part_in_mmdets_scope_names_the_nearest(tmp_path, capsys):
    with pytest.raises(SystemExit):
        run(EXAMPLES / 'mmdet-scope_custom-imports.py', tmp_path, 'model.backbone.type=vlplugins.SlimableResNet')
    assert "'SlimmableResNet'" in capsys.readouterr().err


# Two processes. SGD, because Adam's steps have the size of the rate whatever the gradient, so that a gradient that is
# nothing but rounding moves a weight. A fixed order: process r has the records r, r + 2, ..., so two batches of 15
# are one batch of 30. No dropout; statistics of the joined batch. Equal shares: 240 records are 8 batches of 30.
JOINED = [
    *ONE_EPOCH,
    'synthetic_data.num_frames=2',
    'synthetic_data.root=data/synthetic/two_frames',
    'train_dataloader.dataset.data_root=data/synthetic/two_frames/',
    'val_dataloader.dataset.data_root=data/synthetic/two_frames/',
    'train_dataloader.sampler.shuffle=False',
    'train_cfg.val_interval=5',
    'model.backbone.dropout=0',
    'model.backbone.norm_cfg.type=vlplugins.SyncBatchNorm',
    'model.backbone.stem_channels=32',
    'model.head.in_channels=32',
    'optim_wrapper.optimizer.type=SGD',
    'optim_wrapper.optimizer.lr=0.05',
    'param_scheduler=[]',
]


def largest_difference(one, other):
    assert one.keys() == other.keys()
    return max(float((one[name].double() - other[name].double()).abs().max()) for name in one)


def run_two_processes(name, work_dir, *options):
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    environment = dict(os.environ, PYTHON=sys.executable, MASTER_PORT=str(port), OMP_NUM_THREADS='1')
    command = ['bash', str(ROOT / 'tools/dist_train.sh'), str(EXAMPLES / name), '2', '--work-dir', str(work_dir)]
    done = subprocess.run(
        [*command, '--seed', '0', '--cfg-options', *options],
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return weights(work_dir)


@pytest.fixture(scope='module')
def one_process(shared_folder, tmp_path_factory):
    """Weights of one process with batches of 30, and with batches of 15 (what a lone process would get to see)."""
    states = []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(shared_folder)
        for batch_size in (30, 15):
            work_dir = tmp_path_factory.mktemp(f'batch{batch_size}')
            *_, state = run(
                EXAMPLES / 'pose-lifter_human36m.py', work_dir, *JOINED, f'train_dataloader.batch_size={batch_size}'
            )
            states.append(state)
    return states


@pytest.mark.parametrize('name', ['pose-lifter_human36m.py', 'flexible-runner_ddp.py'])
def test_two_processes_end_with_the_weights_of_one_on_the_joined_batch(one_process, tmp_path, name):
    """MMEngine's runner, and its FlexibleRunner with a strategy.

    DistributedDataParallel averages the gradients of the processes; the loss is a mean over records and the shares are
    equal, so that the average is the gradient of the joined batch. Sums are taken in another order: single precision
    leaves 1e-7 of a weight a step, 1e-5 is allowed after eight. The second bound shows that the first can fail.
    """
    joined, half = one_process
    state = run_two_processes(name, tmp_path, *JOINED, 'train_dataloader.batch_size=15')
    assert largest_difference(state, joined) < 1e-5
    assert largest_difference(half, joined) > 1e-2


def test_strategies_for_gpus_are_read_and_name_what_they_lack(tmp_path, capsys):
    """FSDP and DeepSpeed divide a model among GPUs; here the configs are read, checked and refused in one line."""
    fsdp = Config.fromfile(EXAMPLES / 'flexible-runner_fsdp.py')
    assert fsdp.runner_type == 'FlexibleRunner' and fsdp.strategy.type == 'FSDPStrategy'
    if importlib.util.find_spec('deepspeed') is None:
        with pytest.raises(SystemExit):
            run(EXAMPLES / 'flexible-runner_deepspeed.py', tmp_path, *ONE_EPOCH)
        message = capsys.readouterr().err
        assert 'deepspeed' in message and 'Traceback' not in message


def test_config_of_another_package_may_lack_what_the_runner_wants(monkeypatch):
    """mmdet's configs have no key ``randomness``; on a CPU no GPU may be named to DistributedDataParallel."""
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    monkeypatch.setenv('LOCAL_RANK', '0')
    cfg = Config(dict(find_unused_parameters=True), filename=str(EXAMPLES / 'flexible-runner_ddp.py'))
    apply_run_arguments(cfg, train.parse_args(['x.py', '--launcher', 'pytorch']))
    assert cfg.randomness.seed is None and cfg.env_cfg.dist_cfg.backend == 'gloo'
    assert cfg.model_wrapper_cfg.device_ids is None and cfg.model_wrapper_cfg.find_unused_parameters is True
    alone = Config(dict(), filename=str(EXAMPLES / 'flexible-runner_ddp.py'))
    apply_run_arguments(alone, train.parse_args(['x.py']))
    assert 'model_wrapper_cfg' not in alone
