from types import SimpleNamespace

import cv2
import pytest
import yaml
from rich.console import Console

from tools.misc import demo
from vlplugins.utils.cli import UsageError
from vlplugins.visualization.demo_report import check_expectations, draw_figure, make_table

SPEC = dict(
    title='a demo',
    runs=[
        dict(name='full', config='full.py', cfg_options={'a.b': 1}),
        dict(name='ablated', config='ablated.py', train=False),
        dict(name='more', config='full.py', extended=True),
    ],
    rows=['r1', 'r2'],
    columns=[dict(heading='accuracy', metric='acc/{row}')],
    chance=10.0,
    figure=dict(metric='acc/{row}', label='accuracy', curve='loss', curve_label='loss'),
    quick=dict(options={'train_cfg.max_epochs': 1}),
    learning=dict(options={'c': 2}, runs=dict(full={'a.b': 3}), expect=[]),
)
RESULTS = dict(
    full=[{'acc/r1': 80.0, 'acc/r2': 60.0, 'share': 0.375}, {'acc/r1': 90.0, 'acc/r2': 70.0, 'share': 0.375}],
    ablated=[{'acc/r1': 70.0, 'acc/r2': 64.0, 'share': 0.25}],
)
COSTS = {name: SimpleNamespace(parameters=10, flops=flops) for name, flops in (('r1', 2e6), ('r2', 1e6))}


@pytest.fixture
def spec(tmp_path):
    folder = tmp_path / 'method'
    folder.mkdir()
    (folder / 'full.py').touch()
    (folder / 'ablated.py').touch()
    (folder / 'demo.yml').write_text(yaml.safe_dump(SPEC))
    return demo.load_spec(folder / 'demo.yml')


def test_a_demo_that_is_not_there_names_those_that_are(spec, tmp_path):
    with pytest.raises(UsageError, match="no demo of 'other'; there are demos of method"):
        demo.load_spec(tmp_path / 'other' / 'demo.yml')


@pytest.mark.parametrize(
    'change, message',
    [(dict(title=None), "lacks the key 'title'"), (dict(runs=[dict(name='x', config='no.py')]), 'no.py')],
)
def test_a_defective_demo_is_told(spec, tmp_path, change, message):
    content = {key: value for key, value in {**SPEC, **change}.items() if value is not None}
    (tmp_path / 'method/demo.yml').write_text(yaml.safe_dump(content))
    with pytest.raises(UsageError, match=message):
        demo.load_spec(tmp_path / 'method/demo.yml')


def test_jobs_go_seed_by_seed_and_untrained_runs_are_tested(spec, tmp_path):
    jobs = demo.plan_jobs(spec, 2, tmp_path)
    assert [(job.name, job.seed) for job in jobs] == [('full', 0), ('ablated', 0), ('full', 1), ('ablated', 1)]
    assert jobs[0].command[1] == 'tools/train.py' and jobs[0].command[-2:] == ['--cfg-options', 'a.b=1']
    assert jobs[1].command[1] == 'tools/test.py' and 'none' in jobs[1].command
    assert [job.name for job in demo.plan_jobs(spec, 1, tmp_path, extended=True)] == ['full', 'ablated', 'more']


@pytest.mark.parametrize(
    'arguments, extended',
    [([], False), (['--seeds', '3'], True), (['--all'], True), (['--seeds', '3', '--no-all'], False)],
)
def test_extended_runs_are_made_with_several_seeds_or_when_asked_for(arguments, extended, monkeypatch):
    class Planned(Exception):
        pass

    def plan(spec, seeds, work_dir, found):
        raise Planned(found)

    monkeypatch.setattr(demo, 'plan_jobs', plan)
    with pytest.raises(Planned) as planned:
        demo.main(['slimclr', *arguments, '--debug'])
    assert planned.value.args == (extended,)


def test_a_section_shrinks_runs_options_and_what_is_judged(spec):
    learning = demo.shrink(spec, 'learning')
    assert [run['name'] for run in learning['runs']] == ['full'] and learning['runs'][0]['cfg_options'] == {
        'a.b': 3,
        'c': 2,
    }
    quick = demo.shrink(spec, 'quick')
    assert len(quick['runs']) == 3 and quick['runs'][1]['cfg_options'] == {'train_cfg.max_epochs': 1}
    assert quick['expect'] == []
    with pytest.raises(UsageError, match="no section 'slow'"):
        demo.shrink(spec, 'slow')
    with pytest.raises(UsageError, match=r"names the runs \['fulll'\]"):
        demo.shrink(dict(spec, learning=dict(runs=dict(fulll=None))), 'learning')


def expectation(**changes):
    return dict(dict(what='w', run='full', over='ablated', metric='acc/{row}', margin=10), **changes)


@pytest.mark.parametrize(
    'item, holds, shown',
    [
        (expectation(), False, '+15, +1'),
        (expectation(margin=1), True, '+15, +1'),
        (expectation(rows=['r1']), True, '+15'),
        (expectation(mean=True, margin=8), True, '+8'),
        (expectation(mean=True, margin=8.1), False, '+8'),
        (expectation(over_metric='acc/r1'), False, '+15, -5'),
        (expectation(above=65), True, '85, 65'),
        (expectation(above=66), False, '85, 65'),
        (expectation(below=85), True, '85, 65'),
        (expectation(below=84), False, '85, 65'),
        # Fractions are told as exactly as percentages.
        (expectation(metric='share', rows=['r1'], margin=0.1), True, '+0.125'),
    ],
)
def test_expectations_compare_means_over_seeds(item, holds, shown):
    """full: (85, 65) in the mean; ablated: (70, 64)."""
    ((found, line),) = check_expectations(dict(SPEC, expect=[item]), RESULTS)
    assert found == holds and line.endswith(f': {shown}') and line.startswith('held' if holds else 'NOT HELD')


def test_an_expectation_of_a_run_that_was_not_made_is_left_out():
    assert check_expectations(dict(SPEC, expect=[expectation(over='more')]), RESULTS) == []


def test_table_has_a_row_for_each_run_and_row_and_for_chance():
    console = Console(width=120, record=True, quiet=False, file=open('/dev/null', 'w'))
    console.print(make_table(SPEC, RESULTS, COSTS))
    text = console.export_text()
    assert '85.0 ± 5.0' in text and 'mean ± deviation of 2 seeds' in text and 'chance' in text and '2.00 M' in text


def test_figure_is_drawn(tmp_path):
    draw_figure(SPEC, RESULTS, COSTS, dict(full=([1, 2], [3.0, 1.0])), tmp_path / 'new/figure.png')
    assert cv2.imread(str(tmp_path / 'new/figure.png')).std() > 10


def test_figure_of_a_demo_without_rows_has_a_bar_for_each_run(tmp_path):
    """A run that is better by half fills half as many pixels more of its colour."""
    spec = dict(SPEC, rows=[], columns=[dict(heading='h', metric='acc')], figure=dict(metric='acc', label='accuracy'))
    results = dict(full=[dict(acc=90.0)], ablated=[dict(acc=60.0)])
    draw_figure(spec, results, {}, {}, tmp_path / 'figure.png')
    picture = cv2.imread(str(tmp_path / 'figure.png')).astype(int)

    def pixels(blue, green, red):
        return (abs(picture - [blue, green, red]).max(axis=2) < 3).sum()

    # The first two colours of Matplotlib's cycle, in the order of OpenCV.
    assert pixels(0xB4, 0x77, 0x1F) / pixels(0x0E, 0x7F, 0xFF) == pytest.approx(1.5, abs=0.05)


@pytest.mark.parametrize('costs', [{}, COSTS])
def test_chance_is_a_line_where_there_is_one(costs, tmp_path):
    """Written as a word or as a number; an axis is one of numbers in any case."""

    def picture(**chance):
        draw_figure({**{k: v for k, v in SPEC.items() if k != 'chance'}, **chance}, RESULTS, costs, {}, path)
        return cv2.imread(str(path))

    path = tmp_path / 'figure.png'
    assert (picture(chance='10.0') == picture(chance=10.0)).all()
    assert (picture(chance='') == picture()).all()
    assert (picture() != picture(chance=10.0)).any()


def test_unknown_method_is_told(capsys):
    with pytest.raises(SystemExit):
        demo.main(['no_such_method'])
    assert "no demo of 'no_such_method'" in capsys.readouterr().err


def test_runs_whose_data_are_not_there_are_left_out_and_a_line_says_so(spec, tmp_path):
    spec['runs'][0]['needs'] = 'data/real'
    spec['runs'][2]['needs'] = 'data/other'
    (tmp_path / 'data/other').mkdir(parents=True)
    lines = demo.leave_out_runs(spec, tmp_path)
    assert [run['name'] for run in spec['runs']] == ['ablated', 'more']
    assert lines == ["no data/real here: without 'full'", "data of data/other: with 'more'"]
    assert demo.leave_out_runs(dict(runs=[dict(name='a')]), tmp_path) == []
