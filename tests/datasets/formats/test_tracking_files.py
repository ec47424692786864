import numpy as np
import pytest

from tests.helpers.records import refused
from vlplugins.datasets.formats.tracking_files import (
    read_boxes,
    read_flags,
    read_mot_table,
    read_odgt,
    read_seqinfo,
)

SEQINFO = (
    '[Sequence]\nname=MOT17-02\nimDir=img1\nframeRate=30\nseqLength=600\nimWidth=1920\nimHeight=1080\nimExt=.jpg\n'
)


def written(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    return path


@pytest.mark.parametrize('text', ['1,2,3,4\n5.5,6,7,8\n', '1\t2\t3\t4\n5.5\t6\t7\t8', '1 2 3 4\n5.5 6 7 8\n\n'])
def test_boxes_by_commas_tabs_or_blanks(tmp_path, text):
    boxes = read_boxes(written(tmp_path, 'groundtruth.txt', text), num_frames=2)
    assert boxes.tolist() == [[1, 2, 3, 4], [5.5, 6, 7, 8]]


def test_absent_targets_may_be_marked(tmp_path):
    path = written(tmp_path, 'x.txt', '1,2,3,4\nnan,nan,nan,nan\n')
    assert np.isnan(read_boxes(path, allow_nan=True)[1]).all()
    with refused('x.txt, record line 2: found .nan'):
        read_boxes(path)


@pytest.mark.parametrize('line', ['1,2,3', '1,2,3,x', '1,2,3,4,5'])
def test_line_that_is_no_box_is_told(tmp_path, line):
    with refused('x.txt, record line 2: found .*expected x, y, width, height'):
        read_boxes(written(tmp_path, 'x.txt', f'1,2,3,4\n{line}\n'))


def test_counts_and_missing_files_are_told(tmp_path):
    with refused('2 boxes; expected one for each of 3 frames'):
        read_boxes(written(tmp_path, 'x.txt', '1,2,3,4\n1,2,3,4\n'), num_frames=3)
    with refused('absent.txt: found No such file'):
        read_boxes(tmp_path / 'absent.txt')


def test_flags_in_one_line_or_in_lines(tmp_path):
    assert read_flags(written(tmp_path, 'a.txt', '0,0,1\n'), 3).tolist() == [0, 0, 1]
    assert read_flags(written(tmp_path, 'b.txt', '8\n0\n3\n'), 3).tolist() == [8, 0, 3]
    with refused('2 flags; expected one for each of 3'):
        read_flags(written(tmp_path, 'c.txt', '0,1'), 3)
    with refused("record flag 2: found 'x'"):
        read_flags(written(tmp_path, 'd.txt', '0,x,1'), 3)


def test_table_of_tracks(tmp_path):
    table = read_mot_table(written(tmp_path, 'gt.txt', '1,7,10,20,30,40,1,1,0.5\n2,7,11,20,30,40,0,8,1\n'))
    assert table.frame.tolist() == [1, 2] and table.track.tolist() == [7, 7]
    assert table.boxes.tolist() == [[10, 20, 30, 40], [11, 20, 30, 40]]
    assert table.confidence.tolist() == [1, 0] and table.category.tolist() == [1, 8]
    assert table.visibility.tolist() == [0.5, 1]


def test_table_of_detections_has_no_tracks(tmp_path):
    path = written(tmp_path, 'det.txt', '1,-1,10,20,30,40,0.9\n1,-1,50,20,30,40,0.8,-1,-1,-1\n')
    table = read_mot_table(path, unique=False)
    assert table.confidence.tolist() == [0.9, 0.8] and len(table.boxes) == 2
    assert len(read_mot_table(written(tmp_path, 'empty.txt', '')).boxes) == 0


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('1,7,1,1,2,2\n1,7,3,3,2,2\n', 'record line 2: found a second box of track 7 in frame 1, after that of line 1'),
        ('1,7,1,1,2\n', "record line 1: found '1,7,1,1,2'"),
        ('0,7,1,1,2,2\n', 'record line 1'),
        ('1,7,1,nan,2,2\n', 'record line 1'),
    ],
)
def test_row_that_is_none_is_told(tmp_path, text, message):
    with refused(message):
        read_mot_table(written(tmp_path, 'gt.txt', text))


def test_description_of_a_sequence(tmp_path):
    found = read_seqinfo(written(tmp_path, 'seqinfo.ini', SEQINFO))
    assert found['name'] == 'MOT17-02' and found['seqLength'] == 600 and found['imExt'] == '.jpg'
    for text in ('', SEQINFO.replace('seqLength=600\n', ''), SEQINFO.replace('600', 'many')):
        with refused('seqinfo.ini'):
            read_seqinfo(written(tmp_path, 'seqinfo.ini', text))


def test_lines_of_crowdhuman(tmp_path):
    text = '{"ID": "a", "gtboxes": []}\n{"ID": "b", "gtboxes": [{"tag": "person"}]}\n'
    assert [each['ID'] for each in read_odgt(written(tmp_path, 'x.odgt', text))] == ['a', 'b']
    for line in ('', '{"ID": "a"', '{"ID": "a"}', '[1]'):
        with refused('x.odgt, record line 2'):
            list(read_odgt(written(tmp_path, 'x.odgt', f'{{"ID": "a", "gtboxes": []}}\n{line}\n')))
