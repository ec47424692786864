import cv2
import numpy as np
import pytest
from sklearn.datasets import load_digits

from vlplugins.datasets.image_folder import ImageFolderDataset
from vlplugins.datasets.synthetic.digits import SyntheticDigits


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return SyntheticDigits(str(tmp_path_factory.mktemp('digits') / 'set')).prepare()


def test_split_is_whole_stratified_and_disjoint(root):
    names = {split: sorted(path.name for path in (root / split).rglob('*.png')) for split in ('train', 'val')}
    assert (len(names['train']), len(names['val'])) == (1437, 360)
    assert len({*names['train'], *names['val']}) == 1797
    counts = [len(list((root / 'val' / str(label)).iterdir())) for label in range(10)]
    assert min(counts) >= 34 and max(counts) <= 38


def test_images_are_the_scans_and_lists_agree_with_folders(root):
    digits = load_digits()
    lines = (root / 'val.txt').read_text().splitlines()
    for line in lines[::40]:
        path, label = line.split()
        index = int(path[-8:-4])
        assert int(label) == digits.target[index] == int(path.split('/')[1])
        image = cv2.imread(str(root / path), cv2.IMREAD_UNCHANGED)
        assert np.abs(image.astype(float) - digits.images[index] * 255 / 16).max() <= 0.5


def test_folders_and_lists_give_the_same_records(root):
    by_folder = ImageFolderDataset(str(root), data_prefix='val')
    by_list = ImageFolderDataset(str(root), ann_file='val.txt')
    pairs = [{(d['img_path'], d['gt_label']) for d in map(s.get_data_info, range(360))} for s in (by_folder, by_list)]
    assert pairs[0] == pairs[1]


def test_other_seed_gives_another_split(tmp_path, root):
    other = SyntheticDigits(str(tmp_path / 'set'), seed=1).prepare()
    assert (other / 'val.txt').read_text() != (root / 'val.txt').read_text()
    with pytest.raises(ValueError, match='num_val'):
        SyntheticDigits(str(tmp_path), num_val=5)
