"""Data sets, transforms, samplers and generators of synthetic sets; importing the package registers them all."""

from vlplugins.datasets import synthetic, transforms
from vlplugins.datasets.cifar import CIFAR10Dataset
from vlplugins.datasets.image_folder import ImageFolderDataset
from vlplugins.datasets.lmdb_images import LMDBImageDataset
from vlplugins.datasets.workers import seed_worker

__all__ = ['CIFAR10Dataset', 'ImageFolderDataset', 'LMDBImageDataset', 'seed_worker', 'synthetic', 'transforms']
