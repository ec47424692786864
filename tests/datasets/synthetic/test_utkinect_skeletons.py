import numpy as np
import pytest

from vlplugins.datasets.synthetic import SyntheticUTKinect
from vlplugins.datasets.transforms import BodyFrameNormalize, SanitizeSkeleton
from vlplugins.utils import safe_pickle


def test_set_goes_through_the_converter_and_movement_tells_the_class(tmp_path):
    root = SyntheticUTKinect(str(tmp_path / 'set'), subjects=4).prepare()
    data = safe_pickle.load(root / 'utkinect_3d.pkl')
    assert len(data['annotations']) == 79 and '1 dropped: no frame numbers' in (root / 'report.txt').read_text()

    def spread(each):
        points = BodyFrameNormalize('kinect20')(SanitizeSkeleton()(dict(each)))['keypoint'][0]
        return np.ptp(points, axis=0).ravel()

    train = [each for each in data['annotations'] if each['frame_dir'] in data['split']['half_train']]
    bank = np.stack([spread(each) for each in train])
    hits = [
        train[int(np.linalg.norm(bank - spread(each), axis=1).argmin())]['label'] == each['label']
        for each in data['annotations']
        if each['frame_dir'] in data['split']['half_val']
    ]
    assert np.mean(hits) > 0.8
    with pytest.raises(ValueError, match='subjects'):
        SyntheticUTKinect(str(tmp_path / 'x'), subjects=1)
