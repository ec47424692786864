import json

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from tests.helpers.tiny_configs import ROOT
from tests.helpers.tools import mistake
from tools import infer
from vlplugins.apis import TemporalEmotionInferencer
from vlplugins.datasets.formats.tel_emotion_words import TEL_CLASSES
from vlplugins.registry import MODELS

CONFIG = ROOT / 'configs/tel/dcin_demo.py'
SRT = '\n\n'.join(
    f'{n + 1}\n00:00:{3 * n:02d},000 --> 00:00:{3 * n + 2:02d},500\n{text}'
    for n, text in enumerate(['Where are they?', '<i>I miss him.</i>', 'Get out!', 'Trust me.', 'What a day.'])
)


@pytest.fixture
def folder(tmp_path):
    init_default_scope('vlplugins')
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(CONFIG).model)
    for head in model.heads.values():
        torch.nn.init.normal_(head.classifier.weight, std=0.3)
    torch.save(dict(state_dict=model.state_dict(), meta=dict()), tmp_path / 'model.pth')
    (tmp_path / 'subtitles').mkdir()
    (tmp_path / 'subtitles/film.srt').write_text(SRT)
    vtt = 'WEBVTT\n\n' + SRT.replace(',000', '.000').replace(',500', '.500')
    (tmp_path / 'subtitles/film2.vtt').write_text(vtt)
    return tmp_path


def make(folder, **options):
    cfg = Config.fromfile(CONFIG)
    encoder = dict(type='HashSentenceEncoder', dim=48)
    return TemporalEmotionInferencer(cfg, str(folder / 'model.pth'), encoder=encoder, show_progress=False, **options)


def test_a_file_becomes_a_timeline(folder):
    found = make(folder)(str(folder / 'subtitles/film.srt'), vis_out_dir=str(folder / 'out'))
    (timeline,) = found['predictions']
    assert timeline['input'] == 'film' and timeline['first_cue'] == 0
    assert [line['text'] for line in timeline['lines']][:2] == ['Where are they?', 'I miss him.']
    assert timeline['lines'][4]['start'] == 12 and timeline['lines'][4]['end'] == 14.5
    names = {each['emotion'] for each in timeline['emotions']}
    assert names <= set(TEL_CLASSES) and names == set(timeline['lines'][0]['scores'])
    assert timeline['segments'] and {each['emotion'] for each in timeline['segments']} <= names
    for segment in timeline['segments']:
        assert segment['start'] == 3 * segment['first_line'] and segment['end'] == 3 * segment['last_line'] + 2.5
    json.dumps(timeline)
    assert [path.name for path in (folder / 'out').iterdir()] == ['000000_film.png']


def test_formats_and_batches_give_the_same(folder):
    single = make(folder)(str(folder / 'subtitles/film.srt'))['predictions'][0]
    both = make(folder)(str(folder / 'subtitles'), batch_size=2)['predictions']
    cues = [dict(start=line['start'], end=line['end'], text=line['text']) for line in single['lines']]
    (listed,) = make(folder)(cues)['predictions']
    for other in (*both, listed):
        assert [each['emotion'] for each in other['emotions']] == [each['emotion'] for each in single['emotions']]
        scores = [[each['score'] for each in found['segments']] for found in (other, single)]
        assert scores[0] == pytest.approx(scores[1], abs=1e-5)


def test_features_of_the_video_count_where_there_are_any(folder):
    path = str(folder / 'subtitles/film.srt')
    without = make(folder)(path)['predictions'][0]
    np.save(folder / 'film.npy', np.random.default_rng(0).standard_normal((5, 48)))
    by_file = make(folder, features=str(folder / 'film.npy'))(path)['predictions'][0]
    by_folder = make(folder, features=str(folder))(path)['predictions'][0]
    assert by_file == by_folder and by_file['emotions'][0]['score'] != without['emotions'][0]['score']
    np.save(folder / 'film.npy', np.zeros((4, 48)))
    with pytest.raises(ValueError, match='film.npy.*one row for each of 5 segments'):
        make(folder, features=str(folder))(path)
    with pytest.raises(FileNotFoundError, match='no such features'):
        make(folder, features=str(folder / 'none.npy'))(path)


def test_a_long_file_is_judged_in_parts(folder):
    found = make(folder, max_lines=2)(str(folder / 'subtitles/film.srt'))['predictions']
    assert [(each['first_cue'], len(each['lines'])) for each in found] == [(0, 1), (1, 2), (3, 2)]
    assert found[1]['lines'][0]['text'] == 'I miss him.' and found[1]['lines'][0]['start'] == 3
    with pytest.raises(ValueError, match='film.srt has 5 cues: features are read of files with at most 2 alone'):
        make(folder, max_lines=2, features=str(folder))(str(folder / 'subtitles/film.srt'))


def test_cues_that_end_before_they_start_are_told(folder):
    with pytest.raises(ValueError, match='cues, record 1: found 2.000 s to 1.000 s'):
        make(folder)([dict(start=2, end=1, text='I miss him.')])


def test_an_encoder_of_another_width_or_a_model_without_text_is_told():
    cfg = Config.fromfile(CONFIG)
    with pytest.raises(ValueError, match='the encoder gives 32 numbers a line, the branch text takes 48'):
        TemporalEmotionInferencer(cfg, encoder=dict(type='HashSentenceEncoder', dim=32))
    cfg = Config.fromfile(CONFIG.parent / 'dcin_demo_video-only.py')
    with pytest.raises(ValueError, match='expected one named text'):
        TemporalEmotionInferencer(cfg, encoder=dict(type='HashSentenceEncoder', dim=48))


def test_tool_writes_json_and_a_picture(folder):
    out = folder / 'out'
    infer.main(
        [str(CONFIG), str(folder / 'model.pth'), str(folder / 'subtitles'), '--out-dir', str(out), '--device', 'cpu']
    )
    content = json.loads((out / 'predictions.json').read_text())
    assert [each['input'] for each in content] == ['film', 'film2']
    assert len(list((out / 'pictures').glob('*.png'))) == 2


def test_bad_subtitles_are_a_message_of_the_tool(folder, capsys):
    (folder / 'bad.srt').write_text(SRT.replace('00:00:03,000', 'soon'))
    message = mistake(capsys, infer, CONFIG, folder / 'model.pth', folder / 'bad.srt', '--device', 'cpu')
    assert 'bad.srt' in message and 'cannot be read in line 6' in message
    assert 'no such input' in mistake(capsys, infer, CONFIG, folder / 'model.pth', folder / 'none.srt')
