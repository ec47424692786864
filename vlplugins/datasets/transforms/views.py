"""Several augmented views of one image."""

from typing import Any, Dict, List, Sequence, Union

from mmcv.transforms import BaseTransform
from mmengine.dataset import Compose

from vlplugins.registry import TRANSFORMS


@TRANSFORMS.register_module()
class MultiView(BaseTransform):
    """Runs pipelines on the image, each several times; ``img`` becomes the list of the views.

    Args:
        transforms: A pipeline, or a list of pipelines.
        num_views: Views of each pipeline: one number for one pipeline, else a list.

    Raises:
        ValueError: other than one number of views (at least 1) per pipeline.
    """

    def __init__(self, transforms: Sequence, num_views: Union[int, Sequence[int]] = 2) -> None:
        pipelines = list(transforms)
        if pipelines and not isinstance(pipelines[0], (list, tuple)):
            pipelines = [pipelines]
        counts = [num_views] if isinstance(num_views, int) else list(num_views)
        if not pipelines or len(counts) != len(pipelines) or min(counts) < 1:
            raise ValueError(f'num_views {counts} must give a number of views for each of {len(pipelines)} pipelines')
        self.num_views = counts
        self.pipelines = [Compose([TRANSFORMS.build(step) for step in pipeline]) for pipeline in pipelines]

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Make the views, each from the image as it is."""
        views: List[Any] = []
        for pipeline, count in zip(self.pipelines, self.num_views):
            # A shallow copy: transforms replace the array, they do not write into it.
            views += [pipeline(dict(results))['img'] for _ in range(count)]
        results['img'] = views
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(num_views={self.num_views}, pipelines={self.pipelines})'
