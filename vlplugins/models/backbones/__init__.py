"""Backbones; importing the package registers them."""

from vlplugins.models.backbones.pixels import PixelBackbone
from vlplugins.models.backbones.slimmable_resnet import SlimmableResNet

__all__ = ['PixelBackbone', 'SlimmableResNet']
