"""The shell launchers, with a Python and a srun that print what they are called with."""

import os
import subprocess

import pytest

from tests.helpers.tiny_configs import ROOT


@pytest.fixture
def launch(tmp_path):
    for name in ('srun', 'fake_python'):
        path = tmp_path / name
        path.write_text('#!/usr/bin/env bash\nprintf "%s\\n" "PATH=$PYTHONPATH" "$@"\n')
        path.chmod(0o755)

    def call(script, *arguments, **environment):
        variables = dict(os.environ, PATH=f'{tmp_path}:{os.environ["PATH"]}', PYTHON=str(tmp_path / 'fake_python'))
        for name in ('NNODES', 'NODE_RANK', 'MASTER_ADDR', 'MASTER_PORT', 'GPUS', 'GPUS_PER_NODE', 'PYTHONPATH'):
            variables.pop(name, None)
        command = ['bash', str(ROOT / 'tools' / script), *arguments]
        return subprocess.run(command, env={**variables, **environment}, cwd=tmp_path, capture_output=True, text=True)

    return call


def lines(done):
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


SCRIPTS = [('dist_train.sh', ['c.py']), ('dist_test.sh', ['c.py', 'x.pth']), ('slurm_train.sh', ['gpu', 'job'])]


@pytest.mark.parametrize('script, too_few', SCRIPTS)
def test_help_succeeds_and_too_few_arguments_show_the_usage(launch, script, too_few):
    for flag in ('-h', '--help'):
        text = '\n'.join(lines(launch(script, flag)))
        assert f'usage: bash tools/{script}' in text or f'bash tools/{script}' in text
    for arguments in ([], too_few):
        done = launch(script, *arguments)
        assert done.returncode == 2 and 'usage' in done.stdout + done.stderr


@pytest.mark.parametrize(
    'script, positional, tool, kept',
    [
        ('dist_train.sh', ['c.py', '4'], 'train.py', ['c.py']),
        ('dist_test.sh', ['c.py', 'x.pth', '4'], 'test.py', ['c.py', 'x.pth']),
    ],
)
def test_torchrun_gets_processes_tool_and_arguments(launch, script, positional, tool, kept):
    got = lines(launch(script, *positional, '--cfg-options', 'a=x y', 'b=(1,2)'))
    assert got[0] == f'PATH={ROOT}'
    expected = ['-m', 'torch.distributed.run', '--nnodes=1', '--node_rank=0', '--nproc_per_node=4']
    assert got[1:6] == expected and got[6:8] == ['--master_addr=127.0.0.1', '--master_port=29500']
    # A value with a space stays one argument.
    tail = [str(ROOT / 'tools' / tool), *kept, '--launcher', 'pytorch', '--cfg-options', 'a=x y', 'b=(1,2)']
    assert got[8:] == tail


def test_several_machines_by_environment(launch):
    got = lines(
        launch(
            'dist_train.sh',
            'c.py',
            '8',
            NNODES='2',
            NODE_RANK='1',
            MASTER_ADDR='node0',
            MASTER_PORT='5',
            PYTHONPATH='/x',
        )
    )
    assert got[0] == f'PATH={ROOT}:/x'
    assert {'--nnodes=2', '--node_rank=1', '--master_addr=node0', '--master_port=5'} <= set(got)


@pytest.mark.parametrize('gpus, per_node', [('2', '2'), ('8', '8'), ('16', '8')])
def test_slurm_gets_partition_job_and_tasks(launch, gpus, per_node):
    done = launch('slurm_train.sh', 'part', 'job', 'c.py', '--seed', '1', GPUS=gpus, SRUN_ARGS='--time=1 --exclusive')
    got = lines(done)
    assert got[0] == f'PATH={ROOT}'
    assert got[1:6] == ['--partition=part', '--job-name=job', f'--gres=gpu:{per_node}', f'--ntasks={gpus}',
                        f'--ntasks-per-node={per_node}']  # fmt: skip
    assert {'--time=1', '--exclusive', '--kill-on-bad-exit=1', '--cpus-per-task=5'} <= set(got)
    assert got[-7:] == ['-u', str(ROOT / 'tools/train.py'), 'c.py', '--launcher', 'slurm', '--seed', '1']
