"""Subtitles in a pipeline: cleaning them, and turning them into features."""

from typing import Any, Dict

from mmcv.transforms import BaseTransform

from vlplugins.datasets.formats.subtitles import clean_subtitle
from vlplugins.datasets.transforms.clip_features import rescale_features
from vlplugins.registry import TASK_UTILS, TRANSFORMS


@TRANSFORMS.register_module()
class CleanSubtitles(BaseTransform):
    """Cleans ``subtitles``; every line keeps its place, also where nothing is left of it.

    Args:
        strip_tags: Remove ``<i>`` and its like.
        fix_mojibake: Mend characters that were read in another encoding.
    """

    def __init__(self, strip_tags: bool = True, fix_mojibake: bool = True) -> None:
        self.strip_tags, self.fix_mojibake = strip_tags, fix_mojibake

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Replace ``subtitles``."""
        results['subtitles'] = [
            clean_subtitle(line, self.strip_tags, self.fix_mojibake) for line in results['subtitles']
        ]
        return results


@TRANSFORMS.register_module()
class EncodeSubtitles(BaseTransform):
    """Turns ``subtitles`` into features: ``features[name]`` float32 ``[N, D]``; a blank line is the zero vector.

    Args:
        encoder: Config of a sentence encoder.
        name: Modality of the features.
        rescale: As in :class:`LoadClipFeatures`.
    """

    def __init__(self, encoder: dict, name: str = 'text', rescale: Any = 'sqrt_dim') -> None:
        self.encoder = TASK_UTILS.build(encoder)
        self.name, self.rescale = name, rescale

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Add the features."""
        vectors = self.encoder.encode(results['subtitles'])
        results.setdefault('features', {})[self.name] = rescale_features(vectors, self.rescale)
        results.setdefault('present', {})[self.name] = True
        return results
