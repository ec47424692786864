import json
import os
import re
import shutil
import signal
import subprocess
import sys
from types import SimpleNamespace

import cv2
import pytest
import torch

from tests.helpers.tiny_configs import ROOT, write_probe_config, write_slimclr_config
from tools import test as test_tool
from tools import train


def run_train(config, work_dir, *arguments):
    out = work_dir / 'metrics.json'
    train.main([str(config), '--work-dir', str(work_dir), '--out', str(out), *arguments])
    return json.loads(out.read_text())


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """A config, and the work folder and metrics of an uninterrupted run of it."""
    folder = tmp_path_factory.mktemp('trained')
    config = write_slimclr_config(folder, epochs=3)
    return config, folder / 'work', run_train(config, folder / 'work', '--seed', '5')


def final_state(work_dir):
    return torch.load(work_dir / 'epoch_3.pth', weights_only=False)['state_dict']


def test_a_seed_gives_the_same_numbers_twice(trained, tmp_path):
    config, work_dir, metrics = trained
    assert run_train(config, tmp_path, '--seed', '5') == metrics
    expected = final_state(work_dir)
    assert all(torch.equal(value, expected[name]) for name, value in final_state(tmp_path).items())


def test_killed_run_resumes_and_ends_as_the_uninterrupted_one(trained, tmp_path):
    """Killed without warning in the middle of an epoch; at most that epoch is lost."""
    config, work_dir, metrics = trained
    command = [sys.executable, 'tools/train.py', str(config), '--work-dir', str(tmp_path), '--seed', '5']
    environment = dict(os.environ, PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1')
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    for line in process.stdout:
        if re.search(r'Epoch\(train\)\s+\[2\]\[3/7\]', line):
            process.send_signal(signal.SIGKILL)
            break
    process.wait()
    assert process.returncode == -signal.SIGKILL
    assert (tmp_path / 'epoch_1.pth').exists() and not (tmp_path / 'epoch_2.pth').exists()
    resumed = run_train(config, tmp_path, '--seed', '5', '--resume')
    # The same operations on the same numbers; the bound allows for another number of threads.
    assert resumed == pytest.approx(metrics, abs=1e-3)
    expected = final_state(work_dir)
    for name, value in final_state(tmp_path).items():
        torch.testing.assert_close(value, expected[name], rtol=1e-4, atol=1e-5)


def test_checkpoint_is_tested_with_the_metrics_of_the_config(trained, tmp_path):
    config, work_dir, metrics = trained
    arguments = [str(config), str(work_dir / 'epoch_3.pth'), '--work-dir', str(tmp_path)]
    test_tool.main([*arguments, '--out', str(tmp_path / 'm.json'), '--dump', str(tmp_path / 'p.pkl')])
    tested = json.loads((tmp_path / 'm.json').read_text())
    assert {name: tested[name] for name in metrics if name in tested} == pytest.approx(metrics)
    assert (tmp_path / 'p.pkl').stat().st_size > 0


def test_untrained_weights_are_tested(trained, tmp_path):
    config, *_ = trained
    out = tmp_path / 'm.json'
    test_tool.main([str(config), 'none', '--work-dir', str(tmp_path), '--out', str(out)])
    assert 'knn/w0.50' in json.loads(out.read_text())


def test_predictions_of_a_classifier_are_drawn(tmp_path, capsys):
    config = write_probe_config(tmp_path)
    show = tmp_path / 'show'
    test_tool.main([str(config), 'none', '--work-dir', str(tmp_path / 'work'), '--show-dir', str(show)])
    pictures = sorted(show.glob('*.png'))
    assert len(pictures) == 6 and cv2.imread(str(pictures[0])).shape[0] > 100


def test_a_visualizer_that_draws_nothing_is_told(trained, tmp_path, capsys):
    config, *_ = trained
    message = mistake(capsys, test_tool, config, 'none', '--work-dir', tmp_path, '--show-dir', tmp_path / 'show')
    assert "visualizer=dict(type='ClassificationVisualizer')" in message


def test_resume_from_a_named_checkpoint(trained, tmp_path):
    config, work_dir, _ = trained
    shutil.copy(work_dir / 'epoch_3.pth', tmp_path / 'start.pth')
    options = ['--cfg-options', 'train_cfg.max_epochs=4', 'train_cfg.val_interval=4', 'param_scheduler=[]']
    run_train(config, tmp_path / 'work', '--resume', str(tmp_path / 'start.pth'), *options)
    assert (tmp_path / 'work/epoch_4.pth').exists() and not (tmp_path / 'work/epoch_3.pth').exists()


def mistake(capsys, tool, *arguments):
    """The message of a mistake: one, on standard error, with exit status 2 and without a traceback."""
    with pytest.raises(SystemExit) as caught:
        tool.main([str(argument) for argument in arguments])
    message = capsys.readouterr().err
    assert caught.value.code == 2 and message.startswith('error: ') and 'Traceback' not in message
    return message


def test_mistakes_of_the_command_line_are_told(trained, tmp_path, capsys):
    config, *_ = trained
    work = ['--work-dir', tmp_path]
    assert 'no such config: no_such.py' in mistake(capsys, train, 'no_such.py')
    (tmp_path / 'orphan.py').write_text('_base_ = ["no_such_base.py"]')
    assert 'no_such_base.py' in mistake(capsys, train, tmp_path / 'orphan.py')
    assert 'no such checkpoint: x.pth' in mistake(capsys, train, config, *work, '--resume', 'x.pth')
    assert 'no such checkpoint: x.pth' in mistake(capsys, test_tool, config, 'x.pth', *work)
    assert "no key 'modle'" in mistake(capsys, train, config, *work, '--cfg-options', 'modle.backbone=1')
    assert 'base_batch_size' in mistake(capsys, train, config, *work, '--auto-scale-lr')
    if not torch.cuda.is_available():
        assert '--amp needs a GPU' in mistake(capsys, train, config, *work, '--amp')
    assert 'must end in .pkl' in mistake(capsys, test_tool, config, 'none', *work, '--dump', 'x.txt')


@pytest.mark.parametrize(
    'extra, message',
    [
        ('model = dict(backbone=dict(type="SlimableResNet"))', 'Did you mean .*SlimmableResNet'),
        ('model = dict(backbone=dict(dept=18))', "did you mean 'depth'"),
        ('model = dict(', 'cannot be read as a config: SyntaxError'),
        ('custom_hooks = [dict(type="ScheduledValueHook", path="no.path")]', "'no' does not exist"),
        ('model = dict(backbone=dict(widths=(0.5, 0.25)))', 'lacks 1.0'),
        ('model = dict(queue_len=100)', 'queue_len 100 is not a multiple of the joined batch 64; nearest: 128'),
    ],
)
def test_mistakes_in_a_config_are_told(tmp_path, capsys, extra, message):
    config = write_slimclr_config(tmp_path, extra=extra)
    assert re.search(message, mistake(capsys, train, config, '--work-dir', tmp_path / 'work'))


def test_corrupt_and_dangerous_checkpoints_are_told(trained, tmp_path, capsys):
    config, work_dir, _ = trained
    data = (work_dir / 'epoch_3.pth').read_bytes()
    (tmp_path / 'cut.pth').write_bytes(data[: len(data) // 2])
    message = mistake(capsys, test_tool, config, tmp_path / 'cut.pth', '--work-dir', tmp_path)
    assert 'cut.pth' in message and 'damaged or no checkpoint' in message
    torch.save(dict(state_dict=_Payload(tmp_path / 'ran')), tmp_path / 'evil.pth')
    message = mistake(capsys, test_tool, config, tmp_path / 'evil.pth', '--work-dir', tmp_path)
    assert 'posix.system' in message and not (tmp_path / 'ran').exists()


class _Payload:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f'touch {self.marker}',)


def test_one_truncated_image_in_a_folder_is_told(tmp_path, capsys):
    config = write_slimclr_config(tmp_path)
    run_train(config, tmp_path / 'work', '--cfg-options', 'train_cfg.max_epochs=1', 'train_cfg.val_interval=1')
    image = sorted((tmp_path / 'digits/train').rglob('*.png'))[3]
    image.write_bytes(image.read_bytes()[:40])
    capsys.readouterr()
    message = mistake(capsys, train, config, '--work-dir', tmp_path / 'work2')
    assert image.name in message and 'truncated image' in message


def test_tensorboard_is_written_beside_the_log(tmp_path):
    """By the line that configs/_base_/default_runtime.py gives."""
    (line,) = re.findall(r'^#   (visualizer = .*)$', (ROOT / 'configs/_base_/default_runtime.py').read_text(), re.M)
    config = write_slimclr_config(tmp_path, epochs=1, extra=line + '\n')
    run_train(config, tmp_path / 'work')
    (events,) = (tmp_path / 'work').glob('*/vis_data/events.out.tfevents.*')
    assert events.stat().st_size > 500 and list((tmp_path / 'work').glob('*/vis_data/scalars.json'))


def test_a_defect_keeps_its_traceback(tmp_path, monkeypatch):
    config = write_slimclr_config(tmp_path)
    monkeypatch.setattr(train, 'build_runner', lambda cfg: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        train.main([str(config), '--work-dir', str(tmp_path / 'work')])


def test_debug_shows_the_traceback_of_a_mistake(tmp_path):
    from vlplugins.utils.cli import UsageError

    with pytest.raises(UsageError):
        train.main(['no_such.py', '--debug'])


def test_predictions_of_several_sets_are_dumped_to_a_file_each(tmp_path):
    loops = {name: SimpleNamespace(evaluator=SimpleNamespace(metrics=[])) for name in ('sot', 'mot')}
    for loop, names in ((SimpleNamespace(loops=loops), ('p_sot.pkl', 'p_mot.pkl')), (loops['sot'], ('p.pkl',))):
        test_tool.dump_predictions(loop, tmp_path / 'p.pkl')
        for each, name in zip(getattr(loop, 'loops', dict(one=loop)).values(), names):
            assert each.evaluator.metrics[-1].out_file_path == str(tmp_path / name)
