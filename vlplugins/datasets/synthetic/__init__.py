"""Generators of small data sets in real formats; importing the package registers them."""

from typing import Any, List

from vlplugins.datasets.synthetic.base import SyntheticDataset
from vlplugins.datasets.synthetic.coco_shapes import SyntheticCocoShapes
from vlplugins.datasets.synthetic.compositional_grounding import SyntheticCompositionalGrounding
from vlplugins.datasets.synthetic.digits import SyntheticDigits
from vlplugins.datasets.synthetic.emotion_clips import SyntheticEmotionClips
from vlplugins.datasets.synthetic.flash_videos import SyntheticFlashVideos
from vlplugins.datasets.synthetic.human36m_poses import SyntheticHuman36m
from vlplugins.datasets.synthetic.loupe_scenes import SyntheticLoupeScenes
from vlplugins.datasets.synthetic.ntu_skeletons import SyntheticNTUActions, SyntheticNTUPairs
from vlplugins.datasets.synthetic.pose_worlds import SyntheticPoseWorlds
from vlplugins.datasets.synthetic.real_queries import RealQueriesGrounding
from vlplugins.datasets.synthetic.real_subtitles import RealSubtitleClips
from vlplugins.datasets.synthetic.skeleton_actions import SyntheticSkeletonActions
from vlplugins.datasets.synthetic.tracking_videos import SyntheticTrackingVideos
from vlplugins.datasets.synthetic.utkinect_skeletons import SyntheticUTKinect
from vlplugins.datasets.synthetic.violin import SyntheticViolin
from vlplugins.datasets.synthetic.weather_voc import SyntheticWeatherVOC
from vlplugins.registry import TASK_UTILS

__all__ = [
    'RealQueriesGrounding',
    'RealSubtitleClips',
    'SyntheticCocoShapes',
    'SyntheticCompositionalGrounding',
    'SyntheticDataset',
    'SyntheticDigits',
    'SyntheticEmotionClips',
    'SyntheticFlashVideos',
    'SyntheticHuman36m',
    'SyntheticLoupeScenes',
    'SyntheticNTUActions',
    'SyntheticNTUPairs',
    'SyntheticPoseWorlds',
    'SyntheticSkeletonActions',
    'SyntheticTrackingVideos',
    'SyntheticUTKinect',
    'SyntheticViolin',
    'SyntheticWeatherVOC',
    'prepare_synthetic_data',
]


def prepare_synthetic_data(cfg: Any) -> List[str]:
    """Write the sets that a config asks for with its key ``synthetic_data`` (one generator, or a list).

    Returns:
        The folders of the sets.
    """
    generators = cfg.get('synthetic_data') or []
    generators = [generators] if isinstance(generators, dict) else generators
    # In any scope: a run of another package's config may have left its own.
    return [str(TASK_UTILS.build({'_scope_': 'vlplugins', **generator}).prepare()) for generator in generators]
