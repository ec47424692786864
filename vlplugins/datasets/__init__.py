"""Data sets, transforms, samplers and generators of synthetic sets; importing the package registers them all."""

from vlplugins.datasets import samplers, synthetic, tokenizers, transforms
from vlplugins.datasets.activitynet_paragraphs import ActivityNetParagraphDataset
from vlplugins.datasets.cifar import CIFAR10Dataset
from vlplugins.datasets.image_folder import ImageFolderDataset
from vlplugins.datasets.lmdb_images import LMDBImageDataset
from vlplugins.datasets.lsmdc import LSMDCRetrievalDataset
from vlplugins.datasets.msrvtt import MSRVTTRetrievalDataset
from vlplugins.datasets.msvd import MSVDRetrievalDataset
from vlplugins.datasets.skeleton_action_dataset import SkeletonActionDataset
from vlplugins.datasets.text_video import TextVideoDataset
from vlplugins.datasets.workers import seed_worker

__all__ = [
    'ActivityNetParagraphDataset',
    'CIFAR10Dataset',
    'ImageFolderDataset',
    'LMDBImageDataset',
    'LSMDCRetrievalDataset',
    'MSRVTTRetrievalDataset',
    'MSVDRetrievalDataset',
    'SkeletonActionDataset',
    'TextVideoDataset',
    'samplers',
    'seed_worker',
    'synthetic',
    'tokenizers',
    'transforms',
]
