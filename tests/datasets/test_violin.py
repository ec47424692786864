import json
import logging
import re
import shutil

import numpy as np
import pytest
from mmengine.registry import init_default_scope

from tests.helpers.records import refused
from vlplugins.datasets import ViolinDataset
from vlplugins.datasets.synthetic import SyntheticViolin
from vlplugins.registry import DATASETS

KINDS = ('say', 'and', 'order', 'act')
PIPELINE = [
    dict(type='LoadClipFeatures', modality='video', dim=32, rescale='l2'),
    dict(type='LoadTextFeatures', dim=32),
    dict(type='SubtitleWordDropout', p=0.1),
    dict(type='AlignSegments', jitter=True),
    dict(type='LoadStatementGraph'),
    dict(type='PackInferenceInputs'),
]


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope('vlplugins')


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return SyntheticViolin(str(tmp_path_factory.mktemp('violin') / 'set'), num_train=6, num_val=2, num_test=4).prepare()


def make(root, **changes):
    options = dict(data_root=str(root), data_prefix=dict(video='features', text='text'), types=KINDS,
                   graph_file='statement_graphs.json', type_file='statement_types.json', evidence_file='evidence.json',
                   pipeline=PIPELINE)  # fmt: skip
    return DATASETS.build(dict(dict(type='ViolinDataset', **options), **changes))


@pytest.mark.parametrize('unit, count, size', [('statement', 36, 1), ('pair', 18, 2), ('clip', 6, 6)])
def test_units(root, unit, count, size):
    data = make(root, unit=unit)
    assert len(data) == count
    sample, inputs = (data[1][key] for key in ('data_samples', 'inputs'))
    assert len(inputs['statements']) == size == len(sample.statements) == len(sample.gt_label)
    polarities = [sample.polarities for sample in (data[i]['data_samples'] for i in range(count))]
    assert sum(map(sum, polarities)) * 2 == 36


def test_defaults_are_pairs_in_training_and_statements_in_tests(root):
    train, test = make(root), make(root, split='test', test_mode=True)
    assert train.unit == 'pair' and test.unit == 'statement' and len(test) == 24
    assert train[0]['data_samples'].gt_label.tolist() == [1, 0]


def test_words_of_segments_are_those_of_their_lines(root):
    data = make(root, unit='clip', pipeline=PIPELINE[:2] + PIPELINE[3:4])
    results = data[2]
    from vlplugins.datasets.text_encoders import HashSentenceEncoder

    encoder = HashSentenceEncoder(32)
    for words, line in zip(results['word_index'], results['subtitles']):
        expected = encoder.encode_tokens([line])[0].vectors.astype(np.float16)
        np.testing.assert_allclose(results['sub'][words[words >= 0]], expected)


def test_kinds_of_a_pair_follow_the_real_statement(root):
    data = make(root)
    for index in range(len(data)):
        real, fake = data[index]['data_samples'].groups
        assert real['events'] == fake['events'] and real['type'] == fake['type']
        assert real['events'] == ['2' if real['type'][0] in ('and', 'order') else '1']
        assert real['connective'] == [{'and': 'other', 'order': 'time'}.get(real['type'][0], 'none')]


def test_splits_are_apart(root):
    train, validate, test = (
        {record['video_id'] for record in make(root, split=split).load_data_list()}
        for split in ('train', 'validate', 'test')
    )
    assert [len(train), len(validate), len(test)] == [6, 2, 4] and len(train | validate | test) == 12


def test_unknown_names_are_told(root):
    with pytest.raises(ValueError, match=re.escape("expected one of ('train', 'validate', 'test')")):
        make(root, split='val')
    with pytest.raises(ValueError, match="unit 'all'"):
        make(root, unit='all')
    with refused("'and'|'say'|'act'|'order'"):
        make(root, types=('next',))


@pytest.fixture
def copy(root, tmp_path):
    return shutil.copytree(root, tmp_path / 'copy')


def test_missing_features_are_told_or_left_out(copy):
    clip = make(copy).get_data_info(0)['video_id']
    (copy / 'features' / f'{clip}.npy').unlink()
    with pytest.raises(FileNotFoundError, match=f'{clip}: .*{clip}.npy'):
        make(copy)
    data = make(copy, skip_missing=True)
    assert len(data) == 15 and data.left_out.total == 1


def test_graphs_of_other_statements_are_refused_with_the_command(copy):
    path = copy / 'violin_annotation.json'
    content = json.loads(path.read_text())
    next(iter(content.values()))['statement'][1][0] = 'he sits'
    path.write_text(json.dumps(content))
    with refused('graphs of other sentences.*parse_statements.py'):
        make(copy)
    # Features of words are told apart too.
    data = make(copy, graph_file='', pipeline=PIPELINE[:2])
    with refused('features of other texts.*encode them anew'):
        [data[i] for i in range(3)]


def change_graph(copy, change):
    path = copy / 'statement_graphs.json'
    content = json.loads(path.read_text())
    key = list(content)[1]
    change(content[key])
    path.write_text(json.dumps(content))
    return key


@pytest.mark.parametrize(
    'change, match',
    [
        (lambda graph: graph.update(atoms=[99] * len(graph['atoms'])), 'atoms has the token 99'),
        (lambda graph: graph['connectives'].append([0, 7, 'AND']), 'connectives'),
        (lambda graph: graph['connectives'].append([0, 1, 'HENCE']), 'connectives'),
        (lambda graph: graph['edges'].append(['action', 0, 'atom', 0, 'ARG9']), 'edges'),
    ],
)
def test_malformed_graphs_are_refused_by_key_and_field(copy, change, match):
    key = change_graph(copy, change)
    with refused(match) as caught:
        make(copy)
    assert caught.value.record == key


def test_no_clip_of_a_split_is_refused(copy):
    path = copy / 'violin_annotation.json'
    content = {name: {**each, 'split': 'test'} for name, each in json.loads(path.read_text()).items()}
    path.write_text(json.dumps(content))
    with refused("no clip of 'train'"):
        make(copy)


def test_what_is_irregular_is_a_warning_with_a_count(copy, monkeypatch):
    found = []
    monkeypatch.setattr('vlplugins.datasets.violin.print_log', lambda text, *_, level: found.append((level, text)))
    make(copy)
    path = copy / 'violin_annotation.json'
    content = json.loads(path.read_text())
    for clip in list(content.values())[:2]:
        clip['statement'][0][1] = clip['statement'][0][0]
    path.write_text(json.dumps(content))
    make(copy, graph_file='')
    (level, regular), (other_level, text) = found
    assert level == logging.INFO and 'equal' not in regular
    assert other_level == logging.WARNING and '2 pairs of equal statements' in text


def test_a_malformed_side_file_is_named(copy):
    (copy / 'evidence.json').write_text('{')
    with refused('evidence.json, record line 1: found no JSON'):
        make(copy)


def test_the_class_is_registered():
    assert DATASETS.get('ViolinDataset') is ViolinDataset
