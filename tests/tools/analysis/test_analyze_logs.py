import json

import cv2
import pytest

from tests.helpers.tools import mistake
from tools.analysis import analyze_logs


def write_log(work_dir, stamp, records):
    folder = work_dir / stamp / 'vis_data'
    folder.mkdir(parents=True)
    (folder / 'scalars.json').write_text(''.join(json.dumps(record) + '\n' for record in records))
    return folder / 'scalars.json'


@pytest.fixture
def run(tmp_path):
    """A run that was killed after step 3 and resumed from step 2; validated after step 4."""
    write_log(tmp_path / 'run', '20260101_000000', [dict(step=step, epoch=1, loss=10.0 - step) for step in (1, 2, 3)])
    resumed = [dict(step=step, epoch=2, loss=100.0 - step) for step in (3, 4)] + [{'step': 4, 'knn/top1': 50.0}]
    write_log(tmp_path / 'run', '20260102_000000', resumed)
    return str(tmp_path / 'run')


def test_resumed_run_is_one_curve_and_the_later_record_counts(run):
    records = analyze_logs.read_records(run)
    assert analyze_logs.curve(records, 'loss', run) == ([1, 2, 3, 4], [9.0, 8.0, 97.0, 96.0])
    assert analyze_logs.curve(records, 'knn/top1', run) == ([4], [50.0])
    assert analyze_logs.curve(records, 'loss', run, smooth=2)[1] == [9.0, 8.5, 52.5, 96.5]


def test_picture_has_a_row_for_each_value(run, tmp_path):
    one, two = tmp_path / 'one.png', tmp_path / 'new/two.png'
    analyze_logs.main([run, '--out', str(one)])
    analyze_logs.main([run, run, '--legend', 'a', 'b', '--keys', 'loss', 'knn/top1', '--out', str(two)])
    assert cv2.imread(str(two)).shape[0] == 2 * cv2.imread(str(one)).shape[0]


def test_values_are_listed(run, capsys):
    analyze_logs.main([run, '--list'])
    assert capsys.readouterr().out.strip() == f'{run}: knn/top1, loss'


def test_two_runs_of_one_name_are_both_drawn_or_told(run, capsys):
    assert 'same name' in mistake(capsys, analyze_logs, run, run)


def test_mistakes_are_told(run, tmp_path, capsys):
    assert 'no log' in mistake(capsys, analyze_logs, tmp_path / 'nothing')
    assert "logged no 'los'; it has ['knn/top1', 'loss']" in mistake(capsys, analyze_logs, run, '--keys', 'los')
    assert '--legend has 2 names for 1 runs' in mistake(capsys, analyze_logs, run, '--legend', 'a', 'b')
    assert '--smooth 0' in mistake(capsys, analyze_logs, run, '--smooth', '0')
    broken = write_log(tmp_path / 'broken', 'x', [dict(step=1, loss=1.0)])
    broken.write_text(broken.read_text() + '{"step": 2, "lo')
    message = mistake(capsys, analyze_logs, tmp_path / 'broken')
    assert 'scalars.json, line 2' in message
    broken.write_text('[1, 2]\n')
    assert 'line 1' in mistake(capsys, analyze_logs, broken)
