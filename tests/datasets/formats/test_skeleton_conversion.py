import numpy as np
import pytest

from tests.helpers.records import refused
from tests.helpers.skeletons import person
from vlplugins.datasets.formats.skeleton_conversion import convert_ntu, write_pickle
from vlplugins.datasets.synthetic.skeleton_files import format_skeleton_file
from vlplugins.utils import safe_pickle

EMPTY = np.full((15, 25, 3), np.nan)


@pytest.fixture
def folder(tmp_path):
    raw = tmp_path / 'raw'
    raw.mkdir()
    for name, points in {
        'S001C002P001R001A001': person(15),
        'S001C001P003R001A002': person(16),
        'S001C002P001R001A003': EMPTY,
        'S001C003P001R001A004': person(15),
        'S001C003P001R001A061': person(15),
    }.items():
        (raw / f'{name}.skeleton').write_text(format_skeleton_file([points]))
    return raw


def test_conversion_and_its_report(folder):
    data, report = convert_ntu(folder, missing=['S001C003P001R001A004'])
    names = [each['frame_dir'] for each in data['annotations']]
    assert names == ['S001C001P003R001A002', 'S001C002P001R001A001']
    assert data['split']['xview_train'] == [names[1]] and data['split']['xsub_val'] == [names[0]]
    first = data['annotations'][0]
    assert first['label'] == 1 and first['total_frames'] == 16 and first['keypoint'].dtype == np.float32
    np.testing.assert_allclose(first['keypoint'][0], person(16), atol=1e-5)
    text = str(report)
    assert '5 clips read, 2 kept' in text and 'nobody in any frame (S001C002P001R001A003)' in text
    assert 'listed as missing' in text and 'class beyond the first 60' in text and 'warning: xsub' in text


def test_processes_give_the_same_and_the_file_is_left_alone(folder, tmp_path):
    one, _ = convert_ntu(folder, dtype='float16')
    two, _ = convert_ntu(folder, dtype='float16', jobs=2)
    path = tmp_path / 'out' / 'ntu.pkl'
    assert write_pickle(path, one) and not write_pickle(path, two)
    kept = safe_pickle.load(path)
    assert kept['annotations'][0]['keypoint'].dtype == np.float16


def test_strange_names_are_told(folder, tmp_path):
    (folder / 'walking.skeleton').write_text('0')
    with refused('1 of 6 names'):
        convert_ntu(folder)
    with refused('no .skeleton file'):
        convert_ntu(tmp_path)
