"""Data sets, transforms, samplers and generators of synthetic sets; importing the package registers them all."""

from vlplugins.datasets import synthetic, transforms
from vlplugins.datasets.image_folder import ImageFolderDataset

__all__ = ['ImageFolderDataset', 'synthetic', 'transforms']
