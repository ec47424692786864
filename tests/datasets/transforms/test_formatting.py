import numpy as np
import pytest
import torch

from vlplugins.datasets.transforms.formatting import PackClassificationInputs, PackSelfSupInputs


def test_image_becomes_channels_first_and_keeps_its_type():
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    packed = PackClassificationInputs()(dict(img=image, gt_label=3, sample_idx=5, img_path='a', other=1))
    assert packed['inputs'].dtype == torch.uint8 and packed['inputs'].shape == (3, 2, 4)
    assert packed['inputs'][1, 0, 2] == image[0, 2, 1] and packed['inputs'].is_contiguous()
    sample = packed['data_samples']
    assert sample.gt_label.tolist() == [3] and sample.sample_idx == 5 and 'other' not in sample.metainfo


def test_views_become_a_list():
    views = [np.zeros((4, 4), np.uint8), np.ones((4, 4), np.float32)]
    packed = PackSelfSupInputs()(dict(img=views))
    assert [tuple(view.shape) for view in packed['inputs']] == [(1, 4, 4)] * 2
    assert 'gt_label' not in packed['data_samples']
    with pytest.raises(ValueError, match='MultiView'):
        PackSelfSupInputs()(dict(img=views[0]))


@pytest.mark.parametrize('label', [-1, [1, 2]])
def test_impossible_labels_are_refused(label):
    with pytest.raises(ValueError, match='one label'):
        PackClassificationInputs()(dict(img=np.zeros((2, 2)), gt_label=label))
