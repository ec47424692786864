import json

import pytest
import torch

from tests.helpers.records import refused
from vlplugins.registry import TRANSFORMS


@pytest.fixture
def files(tmp_path):
    (tmp_path / 'vocab.txt').write_text('[PAD]\n[UNK]\n[CLS]\n[SEP]\nan\nimage\nof\ncat\ntv\n')
    (tmp_path / 'prompts.json').write_text(json.dumps(dict(names=['Cat', 'tv'], templates=['an image of {}', '{}'])))
    return tmp_path


def build(files, **options):
    tokenizer = dict(type='WordPiece', vocabulary=str(files / 'vocab.txt'), context_length=6)
    return TRANSFORMS.build(
        dict(type='AddClassPrompts', prompts=str(files / 'prompts.json'), tokenizer=tokenizer, **options)
    )


def test_prompts_of_all_classes_in_all_templates(files):
    packed = dict(inputs=torch.zeros(3, 4, 4), data_samples=1)
    found = build(files)(packed)['inputs']
    assert found['class_prompts'].shape == (2, 2, 6) and found['image'].shape == (3, 4, 4)
    assert found['class_prompts'][0].tolist() == [[2, 4, 5, 6, 7, 3], [2, 7, 3, 0, 0, 0]]
    assert found['class_prompts'][1, 0].tolist() == [2, 4, 5, 6, 8, 3]
    found = build(files, templates=['{}'])(dict(inputs=dict(image=1), data_samples=1))['inputs']
    assert found['class_prompts'].shape == (2, 1, 6) and found['image'] == 1


@pytest.mark.parametrize(
    'content, message',
    [
        (dict(names=['cat']), 'templates None'),
        (dict(names=[], templates=['{}']), r'names \[\]'),
        (dict(names=['cat'], templates=['{} {}']), "template '{} {}'"),
        ([], 'names None'),
    ],
)
def test_files_of_another_layout_are_refused(files, content, message):
    (files / 'prompts.json').write_text(json.dumps(content))
    with refused(message):
        build(files)
