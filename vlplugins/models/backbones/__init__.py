"""Backbones; importing the package registers them."""

from vlplugins.models.backbones.afe_cnn import AFECNN
from vlplugins.models.backbones.clip_text import CLIPTextTransformer
from vlplugins.models.backbones.clip_vision import CLIPVisionTransformer
from vlplugins.models.backbones.pixels import PixelBackbone
from vlplugins.models.backbones.slimmable_resnet import SlimmableResNet

__all__ = [
    'AFECNN',
    'CLIPTextTransformer',
    'CLIPVisionTransformer',
    'PixelBackbone',
    'SlimmableResNet',
]
