import pickle

import pytest
import torch

from tests.helpers.tools import mistake
from tools.analysis import fuse_scores

NAMES, LABELS = ['a', 'b', 'c'], [0, 1, 1]
FIRST = torch.tensor([[0.6, 0.4], [0.7, 0.3], [0.2, 0.8]])
SECOND = torch.tensor([[0.9, 0.1], [0.1, 0.9], [0.6, 0.4]])


def dump(path, scores, names=NAMES, labels=LABELS):
    records = [
        dict(frame_dir=name, pred_score=score, gt_label=torch.tensor([label]))
        for name, score, label in zip(names, scores, labels)
    ]
    path.write_bytes(pickle.dumps(records))
    return str(path)


def test_joined_by_name_whatever_the_order(tmp_path, capsys):
    one = dump(tmp_path / 'one.pkl', FIRST)
    other = dump(tmp_path / 'other.pkl', SECOND.flip(0), NAMES[::-1], LABELS[::-1])
    fused, labels = fuse_scores.fuse([one, other], [1, 3])
    torch.testing.assert_close(fused.float(), 0.25 * FIRST + 0.75 * SECOND)
    assert labels.tolist() == LABELS
    fuse_scores.main([one, other])
    lines = capsys.readouterr().out.splitlines()
    assert lines == ['one.pkl: top-1 66.67 (3)', 'other.pkl: top-1 66.67 (3)', 'fused: top-1 100.00 (3)']


def test_logits_are_made_probabilities(tmp_path):
    one = dump(tmp_path / 'one.pkl', 5 * FIRST)
    fused, _ = fuse_scores.fuse([one], [1], logits=True)
    torch.testing.assert_close(fused.float(), (5 * FIRST).softmax(dim=1))


def test_mistakes_are_told(tmp_path, capsys):
    one = dump(tmp_path / 'one.pkl', FIRST)
    less = dump(tmp_path / 'less.pkl', FIRST[:2], NAMES[:2], LABELS[:2])
    assert '1 names' in mistake(capsys, fuse_scores, one, less)
    wrong = dump(tmp_path / 'wrong.pkl', FIRST, NAMES, [1, 1, 1])
    assert 'another label' in mistake(capsys, fuse_scores, one, wrong)
    again = dump(tmp_path / 'again.pkl', FIRST, ['a', 'a', 'b'])
    assert 'came before' in mistake(capsys, fuse_scores, again)
    (tmp_path / 'none.pkl').write_bytes(pickle.dumps([dict(pred_score=FIRST[0], gt_label=0)]))
    assert "'frame_dir' among the meta_keys" in mistake(capsys, fuse_scores, tmp_path / 'none.pkl')
    assert 'must be 1 numbers' in mistake(capsys, fuse_scores, one, '--weights', '1', '2')
    assert 'no such file' in mistake(capsys, fuse_scores, tmp_path / 'x.pkl')


@pytest.mark.parametrize('k, expected', [(1, 200 / 3), (2, 100.0)])
def test_top_k_by_hand(k, expected):
    assert fuse_scores.top_k(FIRST, torch.tensor(LABELS), k) == pytest.approx(expected)
