import cv2
import numpy as np
import pytest
from PIL import Image

from tests.helpers.records import refused
from vlplugins.datasets.formats.images import is_truncated
from vlplugins.datasets.transforms.loading import LoadImage


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 255, (40, 50, 3), dtype=np.uint8)


@pytest.mark.parametrize('extension', ['.png', '.bmp'])
def test_lossless_files_load_exactly(tmp_path, image, extension):
    path = str(tmp_path / f'x{extension}')
    cv2.imwrite(path, image)
    results = LoadImage()(dict(img_path=path))
    assert np.array_equal(results['img'], image) and results['img_shape'] == (40, 50)
    assert LoadImage('grayscale')(dict(img_path=path))['img'].shape == (40, 50)


@pytest.mark.parametrize('mode', ['CMYK', 'L'])
def test_files_of_other_colour_models_become_bgr(tmp_path, mode):
    red = Image.new('RGB', (24, 16), (220, 30, 40)).convert(mode)
    red.save(tmp_path / 'x.jpg', quality=95)
    loaded = LoadImage()(dict(img_path=str(tmp_path / 'x.jpg')))['img']
    expected = np.asarray(red.convert('RGB'))[..., ::-1]
    assert loaded.shape == (16, 24, 3) and loaded.dtype == np.uint8
    # Compression, and two formulas for the same ink.
    assert np.abs(loaded.astype(int) - expected).max() <= 12


def test_encoded_bytes_and_arrays(image):
    encoded = cv2.imencode('.png', image)[1].tobytes()
    assert np.array_equal(LoadImage()(dict(img_bytes=encoded))['img'], image)
    assert LoadImage('grayscale')(dict(img=image))['img'].shape == (40, 50)


@pytest.mark.parametrize('extension', ['.jpg', '.png'])
@pytest.mark.parametrize('share', [0.2, 0.5, 0.95])
def test_truncation_is_seen_wherever_it_happens(tmp_path, image, extension, share):
    data = cv2.imencode(extension, image)[1].tobytes()
    assert not is_truncated(data) and not is_truncated(data + b'\0' * 100)
    path = tmp_path / f'x{extension}'
    path.write_bytes(data[: int(share * len(data))])
    with refused('truncated'):
        LoadImage()(dict(img_path=str(path)))


@pytest.mark.parametrize('content, message', [(b'', 'empty file'), (b'not an image', 'no image')])
def test_files_that_are_no_images_are_named(tmp_path, content, message):
    path = tmp_path / 'x.jpg'
    path.write_bytes(content)
    with refused(f'x.jpg.*{message}'):
        LoadImage()(dict(img_path=str(path)))


def test_missing_file_folder_and_non_finite_values_are_named(tmp_path):
    with refused('absent.jpg.*No such file'):
        LoadImage()(dict(img_path=str(tmp_path / 'absent.jpg')))
    with refused('directory'):
        LoadImage()(dict(img_path=str(tmp_path)))
    with refused('a.npy.*not finite'):
        LoadImage()(dict(img=np.full((2, 2), np.nan), img_path='a.npy'))
    with pytest.raises(ValueError, match='unknown'):
        LoadImage('rgb')
