"""Transforms; importing the package registers them."""

from vlplugins.datasets.transforms.color import ColorJitter, GaussianBlur, Lighting, Solarize
from vlplugins.datasets.transforms.crop import RandomResizedCrop, ResizeEdge
from vlplugins.datasets.transforms.formatting import PackClassificationInputs, PackSelfSupInputs
from vlplugins.datasets.transforms.geometry import RandomAffine
from vlplugins.datasets.transforms.loading import LoadImage
from vlplugins.datasets.transforms.noise import AddGaussianNoise, RandomBrightness
from vlplugins.datasets.transforms.views import MultiView

__all__ = [
    'AddGaussianNoise',
    'ColorJitter',
    'GaussianBlur',
    'Lighting',
    'RandomResizedCrop',
    'ResizeEdge',
    'Solarize',
    'LoadImage',
    'MultiView',
    'PackClassificationInputs',
    'PackSelfSupInputs',
    'RandomAffine',
    'RandomBrightness',
]
