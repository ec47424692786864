"""Average precision of each class, of sub-domains, and weighted by how frequent classes are."""

from collections import OrderedDict
from typing import Any, Dict, List, Optional, Sequence, Union

import numpy as np
from mmdet.evaluation.functional import average_precision, eval_map
from mmdet.evaluation.metrics import VOCMetric

from vlplugins.registry import METRICS

# Weights of the release for (bus, bike, car, motor, person, rider, truck); their sums of about 1 are left as they are.
WEATHER_WEIGHTS: Dict[str, Sequence[float]] = dict(
    daytime_clear=(0.016, 0.009, 0.817, 0.0045, 0.104, 0.0065, 0.0436),
    night_clear=(0.0075, 0.0052, 0.898, 0.0027, 0.065, 0.003, 0.018),
    dusk_rainy=(0.019, 0.0074, 0.7955, 0.0025, 0.1195, 0.0039, 0.0519),
    night_rainy=(0.01, 0.005, 0.896, 0.002, 0.063, 0.0029, 0.02),
    daytime_foggy=(0.008, 0.077, 0.514, 0.0142, 0.3385, 0.037, 0.01),
    daytime_sand=(0.025, 0.004, 0.78, 0.024, 0.078, 0.0, 0.088),
    daytime_snow=(0.01, 0.0004, 0.86, 0.0004, 0.076, 0.0, 0.052),
)


@METRICS.register_module()
class LongTailVOCMetric(VOCMetric):
    """mmdet's ``VOCMetric`` that keeps the AP of each class.

    Values are from 0 to 1: ``AP50`` (mean over the classes that occur), ``AP50/CLASS``, with ``class_weights``
    ``long_tail_AP50`` (their weighted sum), and with ``subset_key`` all of these for each sub-domain, as
    ``SUBSET/AP50``.

    Args:
        class_weights: Weight of each class, or the name of a weather in ``WEATHER_WEIGHTS``.
        legacy_recall: Divide true positives by the objects plus 1, as the release of VDD does: a perfect detector of
            ``n`` objects of a class reaches less than 1.
        subset_key: Key in the metainfo of a sample that names its sub-domain.
        kwargs: Arguments of ``VOCMetric``.

    Raises:
        ValueError: weights of an unknown weather, or (when it is computed) of another number of classes.
    """

    default_prefix: Optional[str] = None

    def __init__(
        self,
        class_weights: Union[str, Sequence[float], None] = None,
        legacy_recall: bool = False,
        subset_key: Optional[str] = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if isinstance(class_weights, str):
            if class_weights not in WEATHER_WEIGHTS:
                raise ValueError(f'class_weights {class_weights!r} is unknown; expected one of {list(WEATHER_WEIGHTS)}')
            class_weights = WEATHER_WEIGHTS[class_weights]
        self.class_weights, self.legacy_recall, self.subset_key = class_weights, legacy_recall, subset_key

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Keep truth, detections and sub-domain of each sample."""
        begin = len(self.results)
        super().process(data_batch, data_samples)
        for index, sample in enumerate(data_samples, start=begin):
            subset = sample.get(self.subset_key) if self.subset_key else None
            self.results[index] = (*self.results[index], subset)

    def compute_metrics(self, results: List[tuple]) -> Dict[str, float]:
        """All values."""
        metrics = self._values(results)
        for subset in sorted({each[2] for each in results if each[2] is not None}):
            part = self._values([each for each in results if each[2] == subset])
            metrics.update({f'{subset}/{key}': value for key, value in part.items()})
        return metrics

    def _values(self, results: List[tuple]) -> Dict[str, float]:
        classes = self.dataset_meta['classes']
        if self.class_weights is not None and len(self.class_weights) != len(classes):
            raise ValueError(f'found {len(self.class_weights)} class_weights for {len(classes)} classes {classes}')
        values: Dict[str, float] = OrderedDict()
        for threshold in self.iou_thrs:
            name = f'AP{int(threshold * 100):02d}'
            _, per_class = eval_map(
                [each[1] for each in results],
                [each[0] for each in results],
                iou_thr=threshold,
                dataset=classes,
                logger='silent',
                eval_mode=self.eval_mode,
                use_legacy_coordinate=True,
                nproc=1,
            )
            found = [self._precision(each) for each in per_class]
            present = [value for value in found if value is not None]
            values[name] = float(np.mean(present)) if present else 0.0
            values.update({f'{name}/{key}': value for key, value in zip(classes, found) if value is not None})
            if self.class_weights is not None:
                values[f'long_tail_{name}'] = sum(w * (value or 0.0) for w, value in zip(self.class_weights, found))
        return values

    def _precision(self, result: dict) -> Optional[float]:
        """AP of a class; ``None`` where it does not occur."""
        count = int(result['num_gts'])
        if count == 0:
            return None
        recall = result['recall'] * (count / (count + 1)) if self.legacy_recall else result['recall']
        return float(average_precision(recall, result['precision'], self.eval_mode))
