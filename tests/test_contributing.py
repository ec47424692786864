"""The worked example of CONTRIBUTING.md does what it says."""

import re
from pathlib import Path

import pytest
from rich.console import Console

from tools.misc.demo import load_spec, plan_jobs, shrink
from vlplugins.datasets.synthetic import prepare_synthetic_data
from vlplugins.registry import MODELS
from vlplugins.utils.cli import load_config
from vlplugins.utils.jobs import read_results, run_jobs
from vlplugins.visualization.demo_report import check_expectations

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope='module')
def blocks():
    """The code of each file that the text shows."""
    text = (ROOT / 'CONTRIBUTING.md').read_text()
    return dict(re.findall(r'```(?:python|yaml)\n# (\S+)\n(.*?)```', text, re.DOTALL))


@pytest.fixture(scope='module')
def part(blocks):
    names = {'__name__': 'cosine_distill'}
    exec(blocks['vlplugins/models/losses/cosine_distill.py'], names)
    yield names['CosineDistill']
    del MODELS.module_dict['CosineDistill']


def test_the_text_shows_the_five_files(blocks):
    assert [Path(name).suffix for name in blocks] == ['.py', '.py', '.py', '.yml']


def test_the_test_of_the_example_passes(blocks, part):
    names = dict(CosineDistill=part)
    exec(blocks['tests/models/losses/test_cosine_distill.py'], names)
    names['test_cosine_distill_equals_the_naive_loop']()


@pytest.mark.learning
def test_the_demo_of_the_example_learns(blocks, tmp_path, monkeypatch):
    folder = tmp_path / 'configs/cosine_slimclr'
    folder.mkdir(parents=True)
    # Beside the configs of the project, and with the part as a module that the training process can import.
    (tmp_path / 'configs/slimclr').symlink_to(ROOT / 'configs/slimclr')
    (tmp_path / 'configs/_base_').symlink_to(ROOT / 'configs/_base_')
    (tmp_path / 'cosine_distill.py').write_text(blocks['vlplugins/models/losses/cosine_distill.py'])
    config = blocks['configs/cosine_slimclr/cosine-slimclr_demo.py']
    (folder / 'cosine-slimclr_demo.py').write_text(config + "custom_imports = dict(imports=['cosine_distill'])\n")
    (folder / 'demo.yml').write_text(blocks['configs/cosine_slimclr/demo.yml'])
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))
    spec = shrink(load_spec(folder / 'demo.yml'), 'learning')
    prepare_synthetic_data(load_config(str(ROOT / 'configs/slimclr/slimclr_demo.py')))
    jobs = plan_jobs(spec, 1, tmp_path / 'work')
    run_jobs(jobs, 2, Console(quiet=True))
    ((holds, line),) = check_expectations(spec, read_results(jobs))
    assert holds, line
