import pytest
import torch
from mmdet.models.backbones import ResNet

from vlplugins.models.backbones import SlimmableResNet
from vlplugins.models.layers.extract import extract_state


@pytest.mark.parametrize('width, channels', [(1.0, 64), (0.5, 32), (0.25, 16)])
def test_a_width_is_an_ordinary_resnet_with_its_outputs(width, channels):
    """mmdet's ResNet with that many channels takes the state as it is."""
    torch.manual_seed(0)
    slimmable = SlimmableResNet(18, widths=(1.0, 0.5, 0.25), out_indices=(0, 1, 2, 3), zero_init_residual=False)
    slimmable.train()
    slimmable(torch.randn(4, 3, 32, 32), width)  # statistics that are not the initial ones
    ordinary = ResNet(18, base_channels=channels, norm_eval=False)
    ordinary.load_state_dict(extract_state(slimmable, width))
    ordinary.eval()
    images = torch.randn(2, 3, 32, 32)
    for ours, theirs in zip(slimmable.eval()(images, width), ordinary(images)):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_unknown_width_is_refused():
    with pytest.raises(ValueError, match='unknown width 0.3'):
        extract_state(SlimmableResNet(18, widths=(1.0, 0.5)), 0.3)
