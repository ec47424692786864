import json

import pytest

from tests.helpers.records import refused
from vlplugins.datasets.formats.image_text_annotations import (
    Pair,
    read_coco_captions,
    read_karpathy,
    read_manifest,
    to_line,
)

GOOD = dict(image='a.jpg', caption='A girl and a dog', phrases=[[0, 6], [11, 16]])


def manifest(tmp_path, *lines):
    path = tmp_path / 'pairs.jsonl'
    path.write_text('\n'.join(each if isinstance(each, str) else json.dumps(each) for each in lines))
    return str(path)


def test_manifest_and_its_way_back(tmp_path):
    found = list(read_manifest(manifest(tmp_path, GOOD, '', dict(image='b.tar/b.jpg', caption='x'))))
    assert found[0] == Pair('a.jpg', 'A girl and a dog', [(0, 6), (11, 16)], 'line 1')
    assert found[1] == Pair('b.tar/b.jpg', 'x', None, 'line 3')
    assert [to_line(each) for each in found] == [GOOD, dict(image='b.tar/b.jpg', caption='x')]


@pytest.mark.parametrize(
    'line, message',
    [
        ('{"image": "a.jpg", "caption"', 'line 2: found no JSON'),
        ('[1]', 'line 2: found a JSON list'),
        (dict(image='a.jpg'), 'line 2.*caption None'),
        (dict(GOOD, phrases=[[0, 17]]), r'line 2.*the phrase \[0, 17\].*0 <= start < end <= 16'),
        (dict(GOOD, phrases=[[3, 3]]), r'the phrase \[3, 3\]'),
        (dict(GOOD, phrases=[[5, 2]]), r'the phrase \[5, 2\]'),
        (dict(GOOD, phrases=[[6, 7]]), 'words between'),
        (dict(GOOD, phrases=[[0.0, 2]]), 'the phrase'),
        (dict(GOOD, phrases='a girl'), "phrases 'a girl'"),
    ],
)
def test_bad_lines_are_named(tmp_path, line, message):
    with refused(message):
        list(read_manifest(manifest(tmp_path, GOOD, line)))


def test_missing_and_undecodable_manifests(tmp_path):
    with refused('No such file'):
        list(read_manifest(str(tmp_path / 'none.jsonl')))
    (tmp_path / 'binary.jsonl').write_bytes(b'\xff\xfe\x00')
    with refused('not UTF-8'):
        list(read_manifest(str(tmp_path / 'binary.jsonl')))


def test_coco_captions(tmp_path):
    content = dict(images=[dict(id=7, file_name='7.jpg')], annotations=[dict(id=1, image_id=7, caption=' A cat.\n')])
    path = tmp_path / 'captions.json'
    path.write_text(json.dumps(content))
    assert list(read_coco_captions(str(path))) == [Pair('7.jpg', ' A cat.\n', None, 'annotation 1')]
    content['annotations'].append(dict(id=2, image_id=8, caption='x'))
    path.write_text(json.dumps(content))
    with refused('annotation 2.*image 8'):
        list(read_coco_captions(str(path)))
    path.write_text('[]')
    with refused('JSON list'):
        list(read_coco_captions(str(path)))


def karpathy(tmp_path, **changes):
    image = dict(imgid=0, cocoid=42, filename='f.jpg', filepath='val2014', split='test', sentences=[dict(raw='A cat.')])
    path = tmp_path / 'dataset.json'
    path.write_text(json.dumps(dict(images=[{**image, **changes}], dataset='coco')))
    return str(path)


def test_karpathy(tmp_path):
    (found,) = read_karpathy(karpathy(tmp_path))
    assert found == ('val2014/f.jpg', 42, 'test', ['A cat.'])
    for changes, message in (
        (dict(split='tset'), "image 0.*split 'tset'"),
        (dict(sentences=[dict(raw=3)]), 'captions'),
        (dict(sentences=[dict()]), "without 'raw'"),
    ):
        with refused(message):
            read_karpathy(karpathy(tmp_path, **changes))
