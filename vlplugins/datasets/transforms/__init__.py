"""Transforms; importing the package registers them."""

from vlplugins.datasets.transforms.color import ColorJitter, GaussianBlur, Lighting, Solarize
from vlplugins.datasets.transforms.crop import RandomResizedCrop, ResizeEdge
from vlplugins.datasets.transforms.formatting import PackClassificationInputs, PackSelfSupInputs
from vlplugins.datasets.transforms.geometry import RandomAffine
from vlplugins.datasets.transforms.loading import LoadImage
from vlplugins.datasets.transforms.noise import AddGaussianNoise, RandomBrightness
from vlplugins.datasets.transforms.retrieval_formatting import PackRetrievalInputs
from vlplugins.datasets.transforms.tokenize import Tokenize
from vlplugins.datasets.transforms.video import LoadVideoFrames, OpenVideo, SegmentFrameSample
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
    'LoadVideoFrames',
    'MultiView',
    'OpenVideo',
    'PackClassificationInputs',
    'PackRetrievalInputs',
    'PackSelfSupInputs',
    'RandomAffine',
    'RandomBrightness',
    'SegmentFrameSample',
    'Tokenize',
]
