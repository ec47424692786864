import json
import os
import pickle

import pytest

from tests.helpers.records import refused
from vlplugins.datasets.formats.refer_files import Expression, read_refer
from vlplugins.utils.records import SkipCounter

REF = dict(ref_id=3, ann_id=10, image_id=1, split='testA', sentences=[dict(sent_id=5, sent='left dog')])


def write(tmp_path, refs, box=(4, 6, 10, 20)):
    annotations = [dict(id=10, image_id=1, bbox=list(box)), dict(id=11, image_id=2, bbox=[0, 0, 1, 1])]
    content = dict(images=[dict(id=1, file_name='1.jpg'), dict(id=2, file_name='2.jpg')], annotations=annotations)
    (tmp_path / 'instances.json').write_text(json.dumps(content))
    (tmp_path / 'refs(unc).p').write_bytes(pickle.dumps(refs, protocol=2))
    return str(tmp_path / 'refs(unc).p'), str(tmp_path / 'instances.json')


def test_one_expression_for_each_sentence_with_corners(tmp_path):
    second = dict(sent_id=6, sent=' the dog ')
    other = dict(REF, ref_id=4, split='val')
    skipped = SkipCounter()
    found = read_refer(
        *write(tmp_path, [dict(REF, sentences=[REF['sentences'][0], second, dict(sent_id=7, sent=' ')]), other]),
        'testA',
        skipped,
    )
    assert found == [
        Expression('left dog', 5, 3, 1, '1.jpg', (4, 6, 14, 26)),
        Expression('the dog', 6, 3, 1, '1.jpg', (4, 6, 14, 26)),
    ]
    assert skipped.reasons == {'blank': 1}


@pytest.mark.parametrize('box', [(4, 6, 0, 20), (4, 6, 10, -1), (4, 6, float('nan'), 3)])
def test_boxes_without_area_are_counted(tmp_path, box):
    skipped = SkipCounter()
    assert read_refer(*write(tmp_path, [REF], box), 'testA', skipped) == []
    assert skipped.reasons == {'of a box without area': 1}


@pytest.mark.parametrize(
    'refs, split, message',
    [
        ([dict(REF, ann_id=99)], 'testA', 'ref_id 3.*ann_id 99'),
        ([dict(REF, image_id=2)], 'testA', 'ref_id 3.*image_id 2'),
        ([REF], 'testC', "split 'testC'.*testA"),
        ([dict(ref_id=1)], 'testA', "without .*'ann_id'"),
        (dict(a=1), 'testA', 'found a dict'),
    ],
)
def test_bad_references_are_named(tmp_path, refs, split, message):
    with refused(message):
        read_refer(*write(tmp_path, refs), split, SkipCounter())


class Foreign:
    def __reduce__(self):
        return os.mkdir, ('made-by-a-pickle',)


def test_a_pickle_that_asks_for_more_than_data_is_refused_and_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with refused('mkdir'):
        read_refer(*write(tmp_path, [dict(REF, extra=Foreign())]), 'testA', SkipCounter())
    assert not os.path.exists('made-by-a-pickle')
    (tmp_path / 'refs(unc).p').write_bytes(b'no pickle')
    with refused('no pickle'):
        read_refer(str(tmp_path / 'refs(unc).p'), str(tmp_path / 'instances.json'), 'testA', SkipCounter())
