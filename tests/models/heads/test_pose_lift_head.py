import torch

from vlplugins.models.heads.pose_lift_head import PoseLiftHead


def test_the_root_is_zero_and_joints_follow_the_channels():
    head = PoseLiftHead(8)
    feats = (None, torch.randn(2, 8, 1))
    joints = head(feats)
    assert joints.shape == (2, 16, 3) and (joints[:, 0] == 0).all()
    expected = (head.conv.weight[:, :, 0] @ feats[1][1, :, 0] + head.conv.bias).reshape(15, 3)
    torch.testing.assert_close(joints[1, 1:], expected)
    assert head.conv.out_channels == 45


def test_without_padding_and_without_layer():
    assert PoseLiftHead(8, pad_root=False)((torch.randn(3, 8, 1),)).shape == (3, 16, 3)
    joints = torch.randn(2, 16, 3)
    assert PoseLiftHead()((joints,)) is joints
