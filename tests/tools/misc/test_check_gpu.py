import json

import pytest
import torch

from tools.misc import check_gpu

VARIANT = check_gpu.Variant('v', first=1e-2, last=1e-1, options={})


@pytest.mark.parametrize(
    'losses, verdict',
    [
        ([2.01, 1.05], 'agrees: first 5.0e-03 (≤ 0.01), last 5.0e-02 (≤ 0.1)'),
        ([2.1, 1.0], 'DIFFERS: first 5.0e-02 (≤ 0.01), last 0.0e+00 (≤ 0.1)'),
        ([2.0, 1.5], 'DIFFERS: first 0.0e+00 (≤ 0.01), last 5.0e-01 (≤ 0.1)'),
    ],
)
def test_first_and_last_loss_are_judged_relatively(losses, verdict):
    assert check_gpu.judge(dict(losses=losses), dict(losses=[2.0, 1.0]), VARIANT) == verdict


def test_a_failed_run_is_named():
    assert check_gpu.judge(dict(error='ValueError: x'), dict(losses=[1.0]), VARIANT) == 'failed: ValueError: x'
    assert check_gpu.judge(dict(losses=[1.0]), dict(error='e'), VARIANT) == 'failed: no reference'


@pytest.mark.parametrize(
    'error', ['error: AlignHead needs the package mmdet: pip install mmdet', "ModuleNotFoundError: No module named 'x'"]
)
def test_what_cannot_be_imported_is_skipped_and_named(error):
    assert check_gpu.judge(dict(losses=[1.0]), dict(error=error), VARIANT) == f'skipped: {error}'


def test_median_leaves_the_warm_up_out():
    assert check_gpu.median([100.0, 100.0, 100.0, 3.0, 1.0, 2.0]) == 2.0
    assert check_gpu.median([5.0]) == 5.0


@pytest.mark.skipif(torch.cuda.is_available(), reason='a GPU is there')
def test_without_a_gpu_it_says_so_and_ends_well(capsys):
    check_gpu.main([])
    assert 'no GPU: nothing to check' in capsys.readouterr().out


@pytest.mark.slow
def test_the_cpu_agrees_with_itself(tmp_path, capsys):
    arguments = ['slimclr', '--device', 'cpu', '--steps', '2', '--skip-compile', '--out', str(tmp_path / 'out.json')]
    check_gpu.main(arguments)
    reference, same = json.loads((tmp_path / 'out.json').read_text())
    assert reference['verdict'] == 'reference' and same['verdict'].startswith('agrees: first 0.0e+00')
    assert len(same['losses']) == len(same['times']) == 2 and same['losses'][0] > 0


def test_a_run_that_fails_makes_the_check_fail(tmp_path, monkeypatch):
    folder = tmp_path / 'configs/broken'
    folder.mkdir(parents=True)
    (folder / 'demo.py').write_text('model = dict(type="NoSuchModel")\ndefault_scope = "vlplugins"\n')
    (folder / 'demo.yml').write_text('runs: [{name: demo, config: demo.py}]\n')
    results = []
    monkeypatch.setattr(check_gpu, 'run_variant', lambda *args: results.append(args) or dict(error='ValueError: no'))
    monkeypatch.setattr(check_gpu, 'ROOT', tmp_path)
    with pytest.raises(SystemExit) as caught:
        check_gpu.main(['broken', '--device', 'cpu', '--skip-compile'])
    assert caught.value.code == 1 and len(results) == 2
