import numpy as np
import pytest
import torch
from torch import nn

from tests.helpers.records import refused
from vlplugins.utils.feature_cache import FeatureCache, fingerprint_of, stamp_of


def filled(path, names='ba', fingerprint='f'):
    cache = FeatureCache(fingerprint, path)
    for index, name in enumerate(names):
        cache.add(name, f'stamp{name}', np.arange(3) + index)
    return cache


def test_round_trip_keeps_names_order_stamps_and_values(tmp_path):
    filled(tmp_path / 'deep/x.npz').save()
    cache = FeatureCache('f', tmp_path / 'deep/x.npz')
    assert cache.names == ['b', 'a'] and cache.features.tolist() == [[0, 1, 2], [1, 2, 3]]
    assert cache.features.dtype == np.float32
    assert cache.has('a', 'stampa') and not cache.has('a', 'other') and not cache.has('c', 'stampc')
    assert [path.name for path in (tmp_path / 'deep').iterdir()] == ['x.npz']


def test_keeping_some_takes_their_order():
    cache = filled(None, 'abc')
    cache.keep_only(['c', 'x', 'a'])
    assert cache.names == ['c', 'a'] and cache.features[0].tolist() == [2, 3, 4]
    assert not cache.has('b', 'stampb')
    cache.save()


@pytest.mark.parametrize('content', [b'', b'no archive', b'PK\x03\x04broken'])
def test_damaged_files_are_named(tmp_path, content):
    (tmp_path / 'x.npz').write_bytes(content)
    with refused('x.npz'):
        FeatureCache('f', tmp_path / 'x.npz')


def test_files_of_another_kind_or_model_and_pickles_are_refused(tmp_path):
    path = tmp_path / 'x.npz'
    filled(path).save()
    with refused('another model'):
        FeatureCache('g', path)
    np.savez(path, names=np.array(['a']))
    with refused('found the arrays'):
        FeatureCache('f', path)
    arrays = dict(names=np.array(['a']), stamps=np.array(['s']), fingerprint=np.array('f'))
    np.savez(path, features=np.array([[np.nan]]), **arrays)
    with refused('finite'):
        FeatureCache('f', path)
    np.savez(path, features=np.array([{}], dtype=object), **arrays)
    with refused('without pickles'):
        FeatureCache('f', path)


def test_fingerprint_tells_weights_names_and_settings():
    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    reference = fingerprint_of(model, dict(a=1))
    assert reference == fingerprint_of(model, dict(a=1)) != fingerprint_of(model, dict(a=2))
    assert fingerprint_of(nn.Sequential(model), dict(a=1)) != reference
    fingerprint_of(model.to(torch.bfloat16))
    model.float().weight.data[0, 0] += 1e-3
    assert fingerprint_of(model, dict(a=1)) != reference


def test_stamp_tells_a_change(tmp_path):
    path = tmp_path / 'x'
    path.write_text('a')
    before = stamp_of(path)
    assert before == stamp_of(path)
    path.write_text('ab')
    assert stamp_of(path) != before
