import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.misc import setup_environment as setup
from tools.misc.setup_environment import SetupError, Step


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """An empty PATH, and a function that puts a program with a fixed answer on it."""
    folder = tmp_path / 'cuda' / 'bin'
    folder.mkdir(parents=True)
    monkeypatch.setenv('PATH', str(folder))

    def add(name, answer, status=0):
        path = folder / name
        path.write_text(f'#!{sys.executable}\nprint({answer!r})\nraise SystemExit({status})\n')
        path.chmod(0o755)

    return add


@pytest.mark.parametrize(
    'answer, status, gpus',
    [
        ('9.0', 0, '9.0'),
        ('8.0\n9.0\n8.0', 0, '8.0;9.0'),
        ('No devices were found', 0, ''),
        ('NVIDIA-SMI has failed because it could not communicate with the driver', 9, ''),
    ],
)
def test_gpus_are_what_nvidia_smi_says(programs, answer, status, gpus):
    programs('nvidia-smi', answer, status)
    assert setup.find_gpus('auto') == gpus
    assert setup.find_gpus('cpu') == ''


def test_without_nvidia_smi_it_is_a_cpu_and_cuda_is_refused(programs):
    assert setup.find_gpus('auto') == ''
    with pytest.raises(SetupError, match='no GPU.*DEVICE=cpu'):
        setup.find_gpus('cuda')


@pytest.mark.parametrize('release, fits', [('13.0', True), ('12.8', False), ('13.1', False)])
def test_system_compiler_is_used_only_where_its_version_fits(programs, tmp_path, release, fits):
    assert setup.find_compiler() is None
    programs('nvcc', f'Cuda compilation tools, release {release}, V{release}.88')
    assert setup.find_compiler() == (str((tmp_path / 'cuda').resolve()) if fits else None)


@pytest.mark.parametrize('version, good', [((3, 9), False), ((3, 10), True), ((3, 12, 4), True), ((3, 13), False)])
def test_other_pythons_are_refused_in_one_line(version, good):
    if good:
        setup.check_python(version)
        return
    with pytest.raises(SetupError) as caught:
        setup.check_python(version)
    assert 'supported: 3.10 to 3.12' in str(caught.value) and '\n' not in str(caught.value)


def plan(gpus, cuda_home=None, index=False):
    return {step.name: step for step in setup.plan_steps(Path('/env'), gpus, cuda_home, lambda: index)}


def test_cpu_plan_takes_the_cpu_build_and_compiles_without_cuda():
    steps = plan('')
    first, last = steps['torch'].alternatives
    assert '--no-index' in first and last[-1] == f'torch=={setup.TORCH}'
    assert steps['mmcv'].env['FORCE_CUDA'] == '0' and 'CUDA_HOME' not in steps['mmcv'].env
    assert not any('torchvision' in part for step in steps.values() for way in step.alternatives for part in way)
    with_index = plan('', index=True)['torch'].alternatives
    assert [setup.CPU_INDEX in way for way in with_index] == [False, True, False]


def test_gpu_plan_with_a_fitting_system_compiler():
    steps = plan('9.0', '/usr/local/cuda')
    assert [f'torchvision=={setup.TORCHVISION}' in way for way in steps['torch'].alternatives] == [True]
    env = steps['mmcv'].env
    assert (env['FORCE_CUDA'], env['TORCH_CUDA_ARCH_LIST'], env['CUDA_HOME']) == ('1', '9.0', '/usr/local/cuda')
    assert 'CUDA compiler' not in steps and 'NVCC_APPEND_FLAGS' not in env
    assert '--no-binary' in steps['mmcv'].alternatives[0]


def test_gpu_plan_with_nothing_but_the_driver_takes_the_compiler_from_packages():
    steps = plan('8.6')
    names = list(steps)
    assert names.index('CUDA compiler') < names.index('CUDA home') < names.index('mmcv')
    assert all(package in steps['CUDA compiler'].alternatives[0] for package in setup.CUDA_PACKAGES)
    env = steps['mmcv'].env
    assert env['CUDA_HOME'] == '/env/cuda' and env['NVCC_APPEND_FLAGS'] == '-I/env/cuda/include/cccl'
    assert env['PATH'].startswith('/env/cuda/bin' + os.pathsep)


def test_cuda_home_is_made_of_links(tmp_path):
    source = tmp_path / 'lib/python3.11/site-packages/nvidia/cu13'
    for name in ('bin', 'include', 'nvvm', 'lib'):
        (source / name).mkdir(parents=True)
    (source / 'lib/libcudart.so.13').write_text('')
    for _ in range(2):
        setup.link_cuda_home(tmp_path)
    assert (tmp_path / 'cuda/lib64/libcudart.so').resolve().name == 'libcudart.so.13'
    assert (tmp_path / 'cuda/nvvm').is_dir()
    with pytest.raises(SetupError, match='nvidia/cu13'):
        setup.link_cuda_home(tmp_path / 'empty')


def test_torch_is_installed_before_what_depends_on_it_and_setuptools_last():
    names = list(plan(''))
    assert names.index('torch') < names.index('mmcv') < names.index('OpenMMLab packages') < names.index('setuptools')
    assert names[-1] == 'check'
    # Their metadata ask for what nothing here needs, or what does not fit.
    for name in ('language model', 'tracking evaluation'):
        assert '--no-deps' in plan('')[name].alternatives[0]


def steps_of(*names):
    return [Step(name, [[name]]) for name in names]


def test_finished_steps_are_not_repeated_and_a_failure_goes_on_where_it_stopped(tmp_path, capsys):
    done = []

    def run(step, log, failing=('c',)):
        if step.name in failing:
            raise SetupError('no disk')
        done.append(step.name)

    with pytest.raises(SetupError):
        setup.run_steps(steps_of('a', 'b', 'c'), tmp_path, run)
    assert done == ['a', 'b']
    assert setup.run_steps(steps_of('a', 'b', 'c'), tmp_path, lambda step, log: run(step, log, ())) == 1
    assert setup.run_steps(steps_of('a', 'b', 'c'), tmp_path, run) == 0
    assert done == ['a', 'b', 'c']


def test_changed_requirements_repeat_their_step_and_those_after(tmp_path):
    requirements = tmp_path / 'runtime.txt'
    done = []
    for content in ('numpy', 'numpy', 'numpy==1'):
        requirements.write_text(content)
        steps = steps_of('a', 'b', 'c')
        steps[1].files = [requirements]
        setup.run_steps(steps, tmp_path, lambda step, log: done.append(step.name))
    assert done == ['a', 'b', 'c', 'b', 'c']


@pytest.mark.parametrize(
    'output, advice',
    [
        ("error: command 'g++' failed: No such file or directory", r'C\+\+ compiler'),
        ('OSError: [Errno 28] No space left on device', 'disk is full'),
        ('fatal error: Python.h: No such file or directory', 'headers'),
        ('ERROR: Could not find a version that satisfies the requirement mmdet', 'network'),
        ('The virtual environment was not created because ensurepip is not available.', 'venv'),
        ('something new\nand strange', 'something new\n  and strange'),
    ],
)
def test_failures_say_which_step_why_and_what_to_do(tmp_path, output, advice):
    program = [sys.executable, '-c', f'print({output!r}); raise SystemExit(1)']
    with pytest.raises(SetupError, match=f"(?s)step 'mmcv' failed:.*{advice}") as caught:
        setup.run_step(Step('mmcv', [program]), tmp_path / 'setup.log')
    assert 'setup.log' in str(caught.value) and output.splitlines()[0] in (tmp_path / 'setup.log').read_text()


def test_alternatives_are_tried_in_turn(tmp_path):
    marker = tmp_path / 'made'
    ways = [['no_such_program'], [sys.executable, '-c', f'open({str(marker)!r}, "w")'], [sys.executable, '-c', '1/0']]
    setup.run_step(Step('x', ways), tmp_path / 'log')
    assert marker.exists()


def test_full_disk_is_refused_before_anything_is_fetched(tmp_path):
    with pytest.raises(SetupError, match='2.0 GiB free.*about 5 GiB'):
        setup.check_disk(tmp_path / 'venv', '', free=2.0)
    setup.check_disk(tmp_path / 'venv', '', free=6.0)
    with pytest.raises(SetupError, match='20 GiB'):
        setup.check_disk(tmp_path / 'venv', '9.0', free=6.0)


def test_mistakes_end_without_a_traceback(programs):
    script = Path(setup.__file__)
    done = subprocess.run([sys.executable, str(script), '--device', 'cuda'], capture_output=True, text=True)
    assert done.returncode == 1 and 'set-up: DEVICE=cuda' in done.stderr and 'Traceback' not in done.stderr
