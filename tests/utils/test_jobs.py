"""Runs that are started, watched, kept and read."""

import json
import sys
from dataclasses import replace

import pytest
from rich.console import Console

from vlplugins.utils.cli import UsageError
from vlplugins.utils.jobs import Job, read_curves, read_results, run_jobs

COUNT = """
import json, sys
from pathlib import Path
found = Path(sys.argv[1]).with_name('count')
found.write_text(str(int(found.read_text()) + 1 if found.exists() else 1))
Path(sys.argv[1]).write_text(json.dumps(dict(acc=int(found.read_text()))))
"""


def job(tmp_path, code):
    folder = tmp_path / 'job'
    return Job('run', 0, [sys.executable, '-c', code, str(folder / 'metrics.json')], folder)


def test_metrics_of_finished_runs_are_collected(tmp_path):
    made = job(tmp_path, 'import sys; open(sys.argv[1], "w").write("{\\"acc\\": 5}")')
    run_jobs([made], 1, Console(quiet=True))
    assert read_results([made]) == dict(run=[dict(acc=5)])


@pytest.mark.parametrize('code', ['raise ValueError("the cause")', 'print("the cause")'])
def test_a_run_that_fails_or_leaves_no_metrics_shows_the_end_of_its_log(tmp_path, code):
    made = job(tmp_path, code)
    made.folder.mkdir()
    made.metrics.write_text('{"acc": 1}')  # of an earlier run: must not count
    with pytest.raises(UsageError, match="(?s)the run 'run' .* failed.*the cause"):
        run_jobs([made], 1, Console(quiet=True))


def test_curves_are_means_of_epochs(tmp_path):
    made = job(tmp_path, '')
    log = made.folder / 'time/vis_data/scalars.json'
    log.parent.mkdir(parents=True)
    records = [dict(loss=4, epoch=1), dict(loss=2, epoch=1), dict(loss=1, epoch=2), dict(acc=1, step=2)]
    log.write_text('\n'.join(map(json.dumps, records)))
    assert read_curves([made], 'loss') == dict(run=([1, 2], [3, 1]))
    log.write_text('\n'.join(map(json.dumps, [dict(loss=4, iter=20), dict(acc=1, step=20), dict(loss=2, iter=40)])))
    assert read_curves([made], 'loss') == dict(run=([20, 40], [4, 2]))


@pytest.mark.parametrize(
    'log, shown',
    [('nothing yet', '-'), ('Epoch(train)  [2][ 20/60] a\nEpoch(train) [12][4/60]', 'epoch 12'),
     ('Iter(train) [ 80/800]  lr\nIter(val) [9/20]', 'iter 80')],
)  # fmt: skip
def test_progress_is_that_of_the_log(tmp_path, log, shown):
    made = job(tmp_path, '')
    made.folder.mkdir()
    made.log.write_text(log)
    assert made.progress() == shown


def test_a_finished_run_is_kept_unless_its_command_or_config_changed(tmp_path):
    made = job(tmp_path, COUNT)
    quiet = Console(quiet=True)
    run_jobs([made], 1, quiet, keep=True)
    run_jobs([replace(made)], 1, quiet, keep=True)
    assert read_results([made]) == dict(run=[dict(acc=1)])
    run_jobs([replace(made)], 1, quiet)
    assert read_results([made]) == dict(run=[dict(acc=2)])
    run_jobs([replace(made, config='changed')], 1, quiet, keep=True)
    assert read_results([made]) == dict(run=[dict(acc=3)])
    run_jobs([replace(made, command=[*made.command, 'changed'])], 1, quiet, keep=True)
    assert read_results([made]) == dict(run=[dict(acc=4)])
