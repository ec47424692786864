"""Transforms; importing the package registers them."""

from vlplugins.datasets.transforms.class_prompts import AddClassPrompts
from vlplugins.datasets.transforms.clip_features import LoadClipFeatures
from vlplugins.datasets.transforms.color import ColorJitter, GaussianBlur, Lighting, Solarize
from vlplugins.datasets.transforms.crop import RandomResizedCrop, ResizeEdge
from vlplugins.datasets.transforms.formatting import PackClassificationInputs, PackSelfSupInputs
from vlplugins.datasets.transforms.geometry import RandomAffine
from vlplugins.datasets.transforms.grounding_formatting import PackGroundingInputs
from vlplugins.datasets.transforms.image_text import CaptionSafeFlip, MapPhraseSpans, PackVLInputs
from vlplugins.datasets.transforms.in_memory import KeepInMemory
from vlplugins.datasets.transforms.inference_formatting import PackInferenceInputs
from vlplugins.datasets.transforms.jittered_crop import JitteredCrop
from vlplugins.datasets.transforms.key_frame import KeyFrameEnhance, KeyTimesFromFrames
from vlplugins.datasets.transforms.loading import LoadImage
from vlplugins.datasets.transforms.noise import AddGaussianNoise, RandomBrightness
from vlplugins.datasets.transforms.pose_lifting import (
    PackLiftingInputs,
    ProjectLiftingTarget,
    ScreenNormalize,
    SelectJoints,
)
from vlplugins.datasets.transforms.resample import ResampleFeatures
from vlplugins.datasets.transforms.retrieval_formatting import PackRetrievalInputs
from vlplugins.datasets.transforms.segments import AlignSegments
from vlplugins.datasets.transforms.sentence_graph import LoadQueryGraph, ShuffleQueryGraph, TokenizeQuery
from vlplugins.datasets.transforms.skeleton_augment import (
    RandomJointDrop,
    RandomJointJitter,
    RandomSkeletonRotate,
    RandomSkeletonScale,
    RandomTemporalCrop,
    SkeletonFlip,
)
from vlplugins.datasets.transforms.skeleton_clean import PadPersons, SanitizeSkeleton
from vlplugins.datasets.transforms.skeleton_features import BoneVectorEnhance, KeyJointEnhance, TemporalEnhance
from vlplugins.datasets.transforms.skeleton_image import SkeletonImageEncode
from vlplugins.datasets.transforms.skeleton_normalize import BodyFrameNormalize, ChangeSkeletonView
from vlplugins.datasets.transforms.statement_graph import LoadStatementGraph
from vlplugins.datasets.transforms.subtitles import CleanSubtitles, EncodeSubtitles
from vlplugins.datasets.transforms.temporal_formatting import PackTemporalInputs
from vlplugins.datasets.transforms.temporal_lines import AddFeatureNoise, RandomLineDropout, TemporalCrop
from vlplugins.datasets.transforms.text_features import EncodeClipTexts, LoadTextFeatures, SubtitleWordDropout
from vlplugins.datasets.transforms.tokenize import Tokenize
from vlplugins.datasets.transforms.tracking_frames import LoadFrames, LoadPublicDetections, SampleClipFrames
from vlplugins.datasets.transforms.video import LoadVideoFrames, OpenVideo, SegmentFrameSample
from vlplugins.datasets.transforms.views import MultiView
from vlplugins.registry import TRANSFORMS

TRANSFORMS.register_lazily(
    'vlplugins.datasets.transforms.tracking_formatting', 'PackSOTInputs', 'PackMOTInputs', 'PackMOTPairInputs'
)

__all__ = [
    'AddClassPrompts',
    'AddFeatureNoise',
    'AddGaussianNoise',
    'AlignSegments',
    'BodyFrameNormalize',
    'BoneVectorEnhance',
    'CaptionSafeFlip',
    'ChangeSkeletonView',
    'CleanSubtitles',
    'ColorJitter',
    'EncodeClipTexts',
    'EncodeSubtitles',
    'GaussianBlur',
    'JitteredCrop',
    'KeepInMemory',
    'KeyFrameEnhance',
    'KeyJointEnhance',
    'KeyTimesFromFrames',
    'Lighting',
    'LoadClipFeatures',
    'LoadFrames',
    'LoadImage',
    'LoadPublicDetections',
    'LoadQueryGraph',
    'LoadStatementGraph',
    'LoadTextFeatures',
    'LoadVideoFrames',
    'MapPhraseSpans',
    'MultiView',
    'OpenVideo',
    'PackClassificationInputs',
    'PackGroundingInputs',
    'PackInferenceInputs',
    'PackLiftingInputs',
    'PackRetrievalInputs',
    'PackSelfSupInputs',
    'PackTemporalInputs',
    'PackVLInputs',
    'PadPersons',
    'ProjectLiftingTarget',
    'RandomAffine',
    'RandomBrightness',
    'RandomJointDrop',
    'RandomJointJitter',
    'RandomLineDropout',
    'RandomResizedCrop',
    'RandomSkeletonRotate',
    'RandomSkeletonScale',
    'RandomTemporalCrop',
    'ResampleFeatures',
    'ResizeEdge',
    'SampleClipFrames',
    'SanitizeSkeleton',
    'ScreenNormalize',
    'SegmentFrameSample',
    'SelectJoints',
    'ShuffleQueryGraph',
    'SkeletonFlip',
    'SkeletonImageEncode',
    'Solarize',
    'SubtitleWordDropout',
    'TemporalCrop',
    'TemporalEnhance',
    'Tokenize',
    'TokenizeQuery',
]
