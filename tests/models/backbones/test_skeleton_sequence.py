import pytest
import torch

from vlplugins.models.backbones import SkeletonSequenceBackbone


def test_each_person_is_a_sequence_of_frames():
    torch.manual_seed(0)
    branch = dict(type='DilatedContextIntegratedBranch', in_channels=15, channels=8)
    backbone = SkeletonSequenceBackbone(branch).eval()
    keypoints = torch.randn(2, 3, 7, 5, 3)
    found = backbone(keypoints)
    assert found.shape == (2, 3, 8, 7, 1)
    mask = torch.ones(1, 7, dtype=torch.bool)
    expected, _ = backbone.branch(keypoints[1, 2].flatten(1)[None], mask)
    torch.testing.assert_close(found[1, 2, :, :, 0], expected[0].T)
    with pytest.raises(ValueError, match=r'are not \[N, M, T, V, C\]'):
        backbone(keypoints[0])
