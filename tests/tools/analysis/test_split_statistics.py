import pytest

from tests.helpers.grounding import REAL_ACTIVITYNET, REAL_CHARADES, write
from tests.helpers.tools import mistake
from tools.analysis import split_statistics


def folder(tmp_path, shared='v9'):
    train = {'v1': dict(sentences=['a dog runs.'], timestamps=[[0.0, 5.0]], duration=10.0)}
    record = dict(sentences=['put it on.', 'put it on a shelf.'], timestamps=[[0.0, 10.0], [0.0, 6.0]], duration=20.0)
    novels = [{'v-adv': [['put', 'on']]}, {'v-adv': [['put', 'on']], 'p-n': [['on', 'shelf']]}]
    write(tmp_path / 'train.json', train)
    write(tmp_path / 'novel_composition.json', {shared: dict(record, novels=novels)})
    write(tmp_path / 'novel_word.json', {'v9': dict(record, news=[{'NOUN': ['shelf']}, {}])})
    return tmp_path


def rows(text, split):
    return [
        [cell.strip() for cell in line.strip('│┃ ').split('│')] for line in text.splitlines() if f'│ {split} ' in line
    ]


def test_counts_by_hand(tmp_path, capsys):
    split_statistics.main([str(folder(tmp_path))])
    shown = capsys.readouterr().out
    counts, prepositions, adverbs, best, whole = rows(shown, 'novel_composition')
    assert counts == ['novel_composition', '1', '2', '20.00', '4.00']
    assert prepositions[1:] == ['p-n', '1', '1', '1'] and adverbs[1:] == ['v-adv', '2', '1', '0']
    # 0 to 0.5 and 0 to 0.3 of the video: the best answer is one of them, which has 0.6 of the other.
    assert best[2:] == ['100.00', '50.00', '80.00'] and whole[1:] == ['the whole video', '50.00', '0.00', '40.00']
    assert '2 sentences of videos are in novel_composition and in novel_word' in shown
    assert rows(shown, 'train')[0] == ['train', '1', '1', '10.00', '3.00']


def test_videos_of_training_in_a_test_are_told(tmp_path, capsys):
    told = mistake(capsys, split_statistics, folder(tmp_path, shared='v1'))
    assert 'novel_composition has 1 videos of training, such as v1' in told


def test_a_folder_without_splits_is_told(tmp_path, capsys):
    assert 'has none of train.json' in mistake(capsys, split_statistics, tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(not REAL_CHARADES.is_dir(), reason='the released annotations are not here')
def test_released_files(capsys):
    split_statistics.main([str(REAL_CHARADES)])
    shown = capsys.readouterr().out
    assert rows(shown, 'train')[0] == ['train', '3555', '8281', '30.58', '5.93']
    assert ['novel_composition', 'v-adv', '2105', '173'] in [row[:4] for row in rows(shown, 'novel_composition')]
    split_statistics.main([str(REAL_ACTIVITYNET)])
    assert '1724 sentences of videos are in novel_composition and in novel_word' in capsys.readouterr().out
