"""Every demo learns: shrunk by the section ``learning`` of its ``demo.yml``, it beats chance and its key ablation."""

from pathlib import Path

import pytest
from rich.console import Console

from tools.misc.demo import load_spec, plan_jobs, shrink
from vlplugins.datasets.synthetic import prepare_synthetic_data
from vlplugins.utils.cli import load_config
from vlplugins.utils.jobs import read_results, run_jobs
from vlplugins.visualization.demo_report import check_expectations

DEMOS = sorted(Path(__file__).resolve().parents[1].glob('configs/*/demo.yml'))


@pytest.mark.learning
@pytest.mark.parametrize('path', DEMOS, ids=[path.parent.name for path in DEMOS])
def test_demo_beats_its_ablation(path, tmp_path):
    spec = shrink(load_spec(path), 'learning')
    jobs = plan_jobs(spec, 1, tmp_path)
    prepare_synthetic_data(load_config(str(spec['runs'][0]['path'])))
    run_jobs(jobs, 3, Console(quiet=True))
    outcomes = check_expectations(spec, read_results(jobs))
    assert len(outcomes) == len(spec['expect']) >= 2
    assert all(holds for holds, _ in outcomes), '\n'.join(line for _, line in outcomes)
