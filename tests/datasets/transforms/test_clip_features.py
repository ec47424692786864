import numpy as np
import pytest

from tests.helpers.records import refused
from vlplugins.datasets.transforms import LoadClipFeatures
from vlplugins.datasets.transforms.clip_features import rescale_features


def record(path, key='a', lines=3):
    return dict(times=np.zeros((lines, 2)), feature_files=dict(video=str(path)), feature_key=key)


@pytest.fixture
def npz(tmp_path):
    path = tmp_path / 'film.npz'
    bad = np.ones((3, 4), np.float16)
    bad[1, 2] = np.nan
    np.savez(path, a=np.ones((3, 4), np.float16), short=np.ones((2, 4)), bad=bad)
    return path


@pytest.mark.parametrize('in_memory', [False, True])
def test_rows_of_a_clip_are_loaded(npz, in_memory):
    results = LoadClipFeatures('video', dim=4, in_memory=in_memory).transform(record(npz))
    assert results['features']['video'].dtype == np.float32 and results['present'] == dict(video=True)
    np.testing.assert_array_equal(results['features']['video'], np.ones((3, 4)))


def test_other_formats(tmp_path):
    np.save(tmp_path / 'a.npy', np.full((3, 4), 2.0))
    assert (LoadClipFeatures('video').transform(record(tmp_path / 'a.npy'))['features']['video'] == 2).all()
    h5py = pytest.importorskip('h5py')
    with h5py.File(tmp_path / 'a.h5', 'w') as file:
        file['a'] = np.full((3, 4), 3.0)
    assert (LoadClipFeatures('video').transform(record(tmp_path / 'a.h5'))['features']['video'] == 3).all()
    with refused('a.h5, record b'):
        LoadClipFeatures('video').transform(record(tmp_path / 'a.h5', 'b'))


@pytest.mark.parametrize(
    'key, dim, message',
    [
        ('short', 4, r'record short: found video features \(2, 4\); expected one row for each of 3 segments'),
        ('bad', 4, 'record bad: found values that are not finite in row 1'),
        ('a', 5, '4 numbers a segment; expected dim=5'),
        ('none', 4, 'none'),
    ],
)
def test_wrong_features_name_file_and_clip(npz, key, dim, message):
    with refused(f'film.npz.*{message}'):
        LoadClipFeatures('video', dim=dim).transform(record(npz, key))


@pytest.mark.parametrize('in_memory', [False, True])
def test_missing_features_are_an_error_or_leave_the_modality_out(npz, tmp_path, in_memory):
    with refused('no_such.npz: found no such file'):
        LoadClipFeatures('video', in_memory=in_memory).transform(record(tmp_path / 'no_such.npz'))
    transform = LoadClipFeatures('video', dim=4, missing='absent', in_memory=in_memory)
    for path, key in ((tmp_path / 'no_such.npz', 'a'), (npz, 'none')):
        results = transform.transform(record(path, key))
        assert results['present'] == dict(video=False) and results['features']['video'].shape == (3, 4)
    assert transform.num_absent == 2
    with refused('not finite'):
        transform.transform(record(npz, 'bad'))


def test_options_are_checked():
    with pytest.raises(ValueError, match="missing 'zero' is unknown"):
        LoadClipFeatures('video', missing='zero')
    with pytest.raises(ValueError, match='needs dim'):
        LoadClipFeatures('video', missing='absent')
    with pytest.raises(ValueError, match="rescale 'l1' is unknown"):
        rescale_features(np.ones((1, 4)), 'l1')
    np.testing.assert_array_equal(rescale_features(np.full((1, 4), 0.5), 'sqrt_dim'), np.ones((1, 4)))


def test_records_without_times_have_any_number_of_rows(tmp_path):
    """Features of a whole video, whose rows are no segments of the annotation."""
    path = tmp_path / 'v.npy'
    record = dict(feature_files=dict(video=str(path)), feature_key='v')
    np.save(path, np.ones((7, 3), np.float32))
    assert LoadClipFeatures('video').transform(dict(record))['features']['video'].shape == (7, 3)
    np.save(path, np.ones((0, 3), np.float32))
    with refused('at least one row'):
        LoadClipFeatures('video').transform(dict(record))
    path.write_bytes(path.read_bytes()[:40])
    with refused('v.npy, record v: found a truncated or damaged file'):
        LoadClipFeatures('video').transform(dict(record))


def test_rows_get_length_one_and_zeros_stay():
    found = rescale_features(np.array([[3.0, 4.0], [0.0, 0.0]]), 'l2')
    np.testing.assert_allclose(found, [[0.6, 0.8], [0, 0]])


def test_long_clips_are_cut_at_the_end(tmp_path):
    values = np.arange(12, dtype=np.float32).reshape(6, 2)
    np.save(tmp_path / 'c.npy', values)
    record = dict(feature_files=dict(video=str(tmp_path / 'c.npy')), feature_key='c')
    found = LoadClipFeatures('video', max_rows=4)(record)['features']['video']
    np.testing.assert_array_equal(found, values[:4])
