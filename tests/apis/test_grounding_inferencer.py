import json
import sys

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from tests.helpers.grounding import graph
from tests.helpers.tiny_configs import ROOT
from tools import infer
from vlplugins.apis import GroundingInferencer
from vlplugins.registry import MODELS
from vlplugins.utils.word_vectors import write_word_vectors

CONFIG = ROOT / 'configs/visa/visa_demo.py'
SENTENCE = 'person opens the door.'


@pytest.fixture
def folder(tmp_path):
    init_default_scope('vlplugins')
    torch.manual_seed(0)
    write_word_vectors(tmp_path / 'words.npz', ['person', 'opens', 'the', 'door', '.'], np.eye(5))
    torch.save(dict(state_dict=MODELS.build(config(tmp_path).model).state_dict(), meta=dict()), tmp_path / 'model.pth')
    (tmp_path / 'features').mkdir()
    rng = np.random.default_rng(0)
    for name, rows in (('v1', 9), ('v2', 30)):
        np.save(tmp_path / f'features/{name}.npy', rng.standard_normal((rows, 48)).astype(np.float32))
    return tmp_path


def config(folder):
    cfg = Config.fromfile(CONFIG)
    words = str(folder / 'words.npz')
    cfg.model.query_encoder.word_vectors = words
    for dataset in cfg.test_dataloader.dataset.datasets:
        next(step for step in dataset.pipeline if step.type == 'TokenizeQuery').tokenizer.vocabulary = words
    return cfg


def make(folder, **options):
    return GroundingInferencer(config(folder), str(folder / 'model.pth'), show_progress=False, **options)


def test_a_sentence_becomes_moments(folder):
    item = dict(features=str(folder / 'features/v1.npy'), sentence=SENTENCE, duration=18.0)
    found = make(folder)(item, vis_out_dir=str(folder / 'out'))
    (moments,) = found['predictions']
    assert moments['input'] == 'v1' and moments['sentence'] == SENTENCE and moments['duration'] == 18
    scores = [each['score'] for each in moments['segments']]
    assert 1 <= len(scores) <= 5 and scores == sorted(scores, reverse=True)
    assert all(0 <= each['start'] < each['end'] <= 18 for each in moments['segments'])
    assert [each['word'] for each in moments['words']] == ['person', 'opens', 'door']
    assert all(len(each['mass']) == 12 for each in moments['words'])
    json.dumps(moments)
    assert [path.name for path in (folder / 'out').iterdir()] == ['000000_v1.png']


def test_files_arrays_graphs_and_batches_give_the_same(folder):
    path = folder / 'features/v1.npy'
    (single,) = make(folder)(dict(features=path, sentence=SENTENCE, duration=18.0))['predictions']
    array = dict(features=np.load(path), sentence=SENTENCE, duration=18.0, graph=graph().to_dict(), name='v1')
    (given,) = make(folder)(array)['predictions']
    both = make(folder, sentence=SENTENCE, seconds_per_row=2.0)(str(folder / 'features'), batch_size=2)['predictions']
    assert [each['duration'] for each in both] == [18, 60]
    for other in (given, both[0]):
        assert other['input'] == 'v1'
        for one, two in zip(single['segments'], other['segments']):
            assert (one['start'], one['end'], one['score']) == pytest.approx(
                (two['start'], two['end'], two['score']), abs=1e-3
            )


def test_the_command_line_writes_predictions_and_pictures(folder):
    cfg, out = folder / 'config.py', folder / 'out'
    config(folder).dump(str(cfg))
    arguments = [str(cfg), str(folder / 'model.pth'), str(folder / 'features/v2.npy'), '--sentence', SENTENCE]
    infer.main([*arguments, '--duration', '45', '--out-dir', str(out), '--device', 'cpu'])
    (moments,) = json.loads((out / 'predictions.json').read_text())
    assert moments['duration'] == 45 and (out / 'pictures/000000_v2.png').is_file()


@pytest.mark.parametrize(
    'changes, message',
    [
        (dict(sentence=' '), 'an input has the keys'),
        (dict(duration=None), 'v1 has no duration; give duration or seconds_per_row'),
        (dict(features=np.ones((4, 3))), r'features \(4, 3\) of array; expected finite ones \[T, 48\]'),
        (dict(features=np.full((4, 48), np.nan)), 'expected finite ones'),
        (dict(graph=dict(tokens=[])), "the field 'lemmas' is missing"),
    ],
)
def test_what_cannot_be_used_is_told(folder, changes, message):
    item = dict(features=str(folder / 'features/v1.npy'), sentence=SENTENCE, duration=18.0)
    with pytest.raises(ValueError, match=message):
        make(folder)({**item, **changes})


def test_missing_features_and_a_missing_parser_are_told(folder, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r'no such features: nowhere\.npy'):
        make(folder)(dict(features='nowhere.npy', sentence=SENTENCE, duration=1.0))

    monkeypatch.setitem(sys.modules, 'spacy', None)
    with pytest.raises(ImportError, match='SpacySentenceParser needs the package spacy: pip install spacy'):
        make(folder)(dict(features=str(folder / 'features/v1.npy'), sentence=SENTENCE, duration=18.0))
