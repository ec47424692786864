import hashlib

import pytest
import torch

from tests.helpers.tools import mistake
from tools.analysis import publish_model


@pytest.fixture
def checkpoint(tmp_path):
    weights = {'backbone.w': torch.ones(3), 'backbone.count': torch.tensor(4), 'head.w': torch.zeros(2)}
    meta = dict(epoch=3, cfg='model = 1', hostname='secret', seed=5)
    path = tmp_path / 'epoch_3.pth'
    torch.save(dict(state_dict=weights, meta=meta, optimizer=dict(lr=1), message_hub=dict(x=1)), path)
    return path


def published(folder):
    (path,) = folder.glob('*.pth')
    return path, torch.load(path, weights_only=True)


def test_weights_and_useful_meta_alone_under_the_hash_of_the_file(checkpoint, tmp_path, capsys):
    publish_model.main([str(checkpoint), str(tmp_path / 'out/net.pth')])
    path, content = published(tmp_path / 'out')
    assert set(content) == {'meta', 'state_dict'} and content['meta'] == dict(epoch=3, cfg='model = 1', seed=5)
    assert torch.equal(content['state_dict']['backbone.w'], torch.ones(3)) and len(content['state_dict']) == 3
    assert path.name == f'net-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}.pth'
    assert '3 tensors, 6 values' in capsys.readouterr().out
    assert list((tmp_path / 'out').iterdir()) == [path]


def test_one_part_in_half_precision(checkpoint, tmp_path):
    publish_model.main([str(checkpoint), str(tmp_path / 'out/net.pth'), '--prefix', 'backbone.', '--half'])
    _, content = published(tmp_path / 'out')
    state = content['state_dict']
    assert set(state) == {'backbone.w', 'backbone.count'}
    assert state['backbone.w'].dtype == torch.float16 and state['backbone.count'].dtype == torch.int64


def test_slices_are_stored_without_what_they_are_cut_from(tmp_path):
    whole = torch.zeros(100_000)
    torch.save(dict(state_dict=dict(w=whole[:10]), meta={}), tmp_path / 'x.pth')
    publish_model.main([str(tmp_path / 'x.pth'), str(tmp_path / 'out/net.pth')])
    path, _ = published(tmp_path / 'out')
    assert path.stat().st_size < 10_000


def test_mistakes_are_told(checkpoint, tmp_path, capsys):
    out = tmp_path / 'net.pth'
    assert 'no such checkpoint: x.pth' in mistake(capsys, publish_model, 'x.pth', out)
    assert 'must end in .pth' in mistake(capsys, publish_model, checkpoint, tmp_path / 'net')
    assert "the parts are ['backbone', 'head']" in mistake(capsys, publish_model, checkpoint, out, '--prefix', 'nek.')
    torch.save(dict(model=1), tmp_path / 'other.pth')
    assert 'no state_dict' in mistake(capsys, publish_model, tmp_path / 'other.pth', out)
    torch.save([1], tmp_path / 'list.pth')
    assert 'no state_dict' in mistake(capsys, publish_model, tmp_path / 'list.pth', out)
    (tmp_path / 'cut.pth').write_bytes(checkpoint.read_bytes()[:200])
    assert 'cut.pth' in mistake(capsys, publish_model, tmp_path / 'cut.pth', out)
    assert not out.exists() and not list(tmp_path.glob('.net*'))
