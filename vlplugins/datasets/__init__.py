"""Data sets, transforms, samplers and generators of synthetic sets; importing the package registers them all."""

from vlplugins.datasets import samplers, sentence_graph, synthetic, text_encoders, tokenizers, transforms
from vlplugins.datasets.activitynet_paragraphs import ActivityNetParagraphDataset
from vlplugins.datasets.cifar import CIFAR10Dataset
from vlplugins.datasets.compositional_grounding import ActivityNetCG, CharadesCG, CompositionalGroundingDataset
from vlplugins.datasets.generated_poses import GeneratedPoseDataset
from vlplugins.datasets.human36m_lifting import Human36mLiftingDataset
from vlplugins.datasets.image_folder import ImageFolderDataset
from vlplugins.datasets.image_text_pairs import (
    ImageTextPairDataset,
    KarpathyRetrievalDataset,
    RefCocoGroundingDataset,
)
from vlplugins.datasets.lmdb_images import LMDBImageDataset
from vlplugins.datasets.lsmdc import LSMDCRetrievalDataset
from vlplugins.datasets.mpi_inf_3dhp_lifting import MPIINF3DHPLiftingDataset
from vlplugins.datasets.msrvtt import MSRVTTRetrievalDataset
from vlplugins.datasets.msvd import MSVDRetrievalDataset
from vlplugins.datasets.pose_lifting import PoseLiftingDataset
from vlplugins.datasets.skeleton_action_dataset import SkeletonActionDataset
from vlplugins.datasets.source_target import SourceTargetDataset
from vlplugins.datasets.tel import TELDataset
from vlplugins.datasets.text_video import TextVideoDataset
from vlplugins.datasets.threedpw_lifting import ThreeDPWLiftingDataset
from vlplugins.datasets.tracking_pairs import CocoPairDataset, CrowdHumanPairDataset, MOTPairDataset
from vlplugins.datasets.violin import ViolinDataset
from vlplugins.datasets.workers import seed_worker
from vlplugins.registry import DATASETS

DATASETS.register_lazily(
    'vlplugins.datasets.voc_style', 'VOCStyleDataset', 'WeatherVOCDataset', 'CityscapesVOCDataset', 'WatercolorDataset'
)
DATASETS.register_lazily('vlplugins.datasets.lasot', 'LaSOTDataset')
DATASETS.register_lazily('vlplugins.datasets.got10k', 'GOT10kDataset')
DATASETS.register_lazily('vlplugins.datasets.trackingnet', 'TrackingNetDataset')

__all__ = [
    'ActivityNetCG',
    'ActivityNetParagraphDataset',
    'CIFAR10Dataset',
    'CharadesCG',
    'CocoPairDataset',
    'CompositionalGroundingDataset',
    'CrowdHumanPairDataset',
    'GeneratedPoseDataset',
    'Human36mLiftingDataset',
    'ImageFolderDataset',
    'ImageTextPairDataset',
    'KarpathyRetrievalDataset',
    'LMDBImageDataset',
    'LSMDCRetrievalDataset',
    'MOTPairDataset',
    'MPIINF3DHPLiftingDataset',
    'MSRVTTRetrievalDataset',
    'MSVDRetrievalDataset',
    'PoseLiftingDataset',
    'RefCocoGroundingDataset',
    'SkeletonActionDataset',
    'SourceTargetDataset',
    'TELDataset',
    'TextVideoDataset',
    'ThreeDPWLiftingDataset',
    'ViolinDataset',
    'samplers',
    'seed_worker',
    'sentence_graph',
    'synthetic',
    'text_encoders',
    'tokenizers',
    'transforms',
]
