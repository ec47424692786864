import re

import cv2
import numpy as np
import pytest
import torch

# The suppression of boxes is a compiled operator.
pytest.importorskip('mmcv.ops')

from mmengine.config import Config  # noqa: E402
from mmengine.registry import MODELS, init_default_scope  # noqa: E402

from tests.helpers.tiny_configs import ROOT  # noqa: E402
from tests.helpers.tools import mistake  # noqa: E402
from tools.analysis import explain_pair  # noqa: E402
from vlplugins.models.task_modules.coalitions import Interaction  # noqa: E402
from vlplugins.structures.region_phrase_data_sample import RegionPhraseDataSample  # noqa: E402

WORDS = '[PAD] [UNK] [CLS] [SEP] [MASK] a red blue green plain striped block and grass the'.split()
CAPTION = 'a red striped block and a plain blue block'


@pytest.fixture
def arguments(tmp_path):
    """Config with a small vocabulary, random weights in a file, and an image."""
    (tmp_path / 'vocab.txt').write_text('\n'.join(WORDS) + '\n')
    tokenizer = dict(type='WordPiece', vocabulary=str(tmp_path / 'vocab.txt'), context_length=26)
    pipeline = [dict(type='LoadImage'), dict(type='Tokenize', tokenizer=tokenizer), dict(type='PackVLInputs')]
    model = Config.fromfile(ROOT / 'configs/_base_/models/loupe_tiny.py').model
    cfg = Config(dict(default_scope='vlplugins', model=model, test_dataloader=dict(dataset=dict(pipeline=pipeline))))
    cfg.dump(str(tmp_path / 'tiny.py'))
    init_default_scope('vlplugins')
    torch.manual_seed(3)
    torch.save(dict(state_dict=MODELS.build(model).state_dict()), tmp_path / 'weights.pth')
    image = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / 'image.png'), image)
    return [str(tmp_path / name) for name in ('tiny.py', 'weights.pth', 'image.png')]


@pytest.mark.parametrize('game', explain_pair.GAMES)
def test_prints_and_draws_every_phrase(game, arguments, tmp_path, capsys):
    out = tmp_path / 'deep' / 'pair.png'
    options = ['--caption', CAPTION, '--against', 'the grass', '--game', game, '--samples', '16', '--regions', '4']
    options += ['--device', 'cpu']
    explain_pair.main([*arguments, *options, '--out', str(out)])
    printed = capsys.readouterr().out
    assert 'a red striped block' in printed and 'a plain blue block' in printed
    assert len(re.findall(r'[+-]0\.\d{4} ± 0\.\d{4}', printed)) == 4 * 2
    height, width = cv2.imread(str(out)).shape[:2]
    # Beside the image the maps of two phrases, above their uncertainty.
    assert (width > 1.3 * height) == (game == 'patches')


def test_phrases_stand_for_a_caption_and_others_compete(arguments, tmp_path, capsys):
    options = ['--samples', '8', '--regions', '3', '--device', 'cpu', '--out', str(tmp_path / 'pair.png')]
    alone = [*arguments, *options, '--phrases', 'a red block']
    # Of two texts chance is a half, which is the cap of the probability: all interactions would be 0.
    for few in ([], ['--against', 'the grass']):
        message = mistake(capsys, explain_pair, *alone, *few)
        assert f"{1 + bool(few)} texts are too few for the game of 'a red block'" in message
    explain_pair.main([*alone, '--against', 'the grass', 'a green block'])
    assert '3 regions and 1 phrases' in capsys.readouterr().out


def test_phrases_are_found_in_the_caption_in_order():
    caption, spans = explain_pair.caption_spans('a block and a block', ['a block', 'a block'])
    assert spans == [(0, 7), (12, 19)] and caption == 'a block and a block'
    assert explain_pair.caption_spans(None, ['x', 'y z']) == ('x and y z', [(0, 1), (6, 9)])
    assert explain_pair.caption_spans('a b', []) == ('a b', None)


def test_what_is_drawn_are_the_best_regions_and_the_maps_of_the_inferencer(monkeypatch, tmp_path):
    """Two regions of an image that was halved; the first is the best of the second phrase."""
    seen = []
    monkeypatch.setattr(
        explain_pair.RegionPhraseVisualizer,
        'add_datasample',
        lambda self, name, image, data, **_: seen.append(data),
    )
    sample = RegionPhraseDataSample(metainfo=dict(scale_factor=(0.5, 0.5), ori_shape=(40, 60)))
    boxes = torch.tensor([[0.0, 0, 10, 10], [5, 5, 30, 20]])
    found = Interaction(torch.tensor([[1.0, 4.0], [3.0, -2.0]]), torch.zeros(2, 2))
    maps = torch.arange(12.0).view(2, 2, 3), torch.ones(2, 2, 3)
    members = torch.ones(2, 6, dtype=torch.bool)
    for each in (maps, None):
        explanation = explain_pair.Explanation(torch.zeros(3, 20, 30), sample, ['x', 'y'], boxes, members, found, each)
        explain_pair.draw(explanation, 1, tmp_path / 'x.png')
    drawn = seen[0].pred_instances
    assert drawn.bboxes.tolist() == [[10, 10, 60, 40], [0, 0, 20, 20]] and seen[0].texts == ['x', 'y']
    assert drawn.scores.tolist() == [3, 4] and drawn.labels.tolist() == [0, 1]
    assert torch.equal(seen[0].interactions['values'], maps[0]) and 'interactions' not in seen[1]


def test_mistakes_are_told(arguments, tmp_path, capsys):
    config, weights, image = arguments
    for caption in ('', '  '):
        assert 'empty text' in mistake(capsys, explain_pair, *arguments, '--caption', caption)
    assert 'give --caption, or --phrases' in mistake(capsys, explain_pair, *arguments)
    missing = mistake(capsys, explain_pair, config, weights, tmp_path / 'no.png', '--caption', CAPTION)
    assert 'no such image' in missing and 'no.png' in missing
    missing = mistake(capsys, explain_pair, config, tmp_path / 'no.pth', image, '--caption', CAPTION)
    assert 'no such checkpoint' in missing
    assert 'no such config' in mistake(capsys, explain_pair, 'no.py', weights, image, '--caption', CAPTION)
    absent = mistake(capsys, explain_pair, *arguments, '--caption', CAPTION, '--phrases', 'a cat')
    assert "'a cat' is not in the caption" in absent
    assert '--samples' in mistake(capsys, explain_pair, *arguments, '--caption', CAPTION, '--samples', '1')
    (tmp_path / 'text.png').write_text('no image')
    options = ['--caption', CAPTION, '--device', 'cpu']
    assert 'text.png' in mistake(capsys, explain_pair, config, weights, tmp_path / 'text.png', *options)
