"""Training sets of which several frames are shown: videos with several targets, and images that are shown again."""

import json
import os.path as osp
from collections import defaultdict
from typing import Any, Dict, List

import numpy as np
from mmengine.dataset import BaseDataset

from vlplugins.datasets.redraw import RedrawMixin
from vlplugins.datasets.video_frames import VideoFrames
from vlplugins.registry import DATASETS
from vlplugins.utils.records import RecordError, SkipCounter


class CocoVideoPairDataset(RedrawMixin, BaseDataset):
    """A file of COCO, with or without videos, for training on pairs of frames.

    A record is a video, or an image without ``video_id`` as a video of one frame. It has ``images``
    (:class:`VideoFrames`) and ``visible``, booleans ``[T]`` that are true for frames with a target, for
    ``SampleClipFrames``. All targets have label 0. Identities are ``instance_id``, or of images the order of the
    annotations.

    Args:
        max_refetch: Most records of no use in a row.
        kwargs: Arguments of ``mmengine.dataset.BaseDataset``: ``ann_file``, ``data_prefix=dict(img_path='train')``, ...

    Raises:
        RecordError: a missing or damaged file, or no video with a target.
    """

    def __init__(self, max_refetch: int = 100, **kwargs: Any) -> None:
        self.skipped = SkipCounter('objects')
        super().__init__(max_refetch=max_refetch, **kwargs)

    def why_no_target(self, annotation: Dict[str, Any], image: Dict[str, Any]) -> str:
        """Why an annotation is no target; '' for a target."""
        x, y, width, height = annotation['bbox']
        if annotation.get('ignore') or annotation.get('iscrowd'):
            return 'to be ignored'
        if not (width > 0 and height > 0 and np.isfinite((x, y)).all()):
            return 'without area'
        if x >= image['width'] or y >= image['height'] or x + width <= 0 or y + height <= 0:
            return 'outside the image'
        return ''

    def load_data_list(self) -> List[dict]:
        """A record for each video."""
        try:
            with open(self.ann_file, encoding='utf-8') as file:
                content = json.load(file)
            objects = self._targets_of_images(content)
            videos = defaultdict(list)
            for image in content['images']:
                videos[image.get('video_id', -1 - image['id'])].append(image)
            return [self._record(key, images, objects) for key, images in sorted(videos.items())]
        except OSError as error:
            raise RecordError(self.ann_file, error.strerror or 'unreadable', 'a file of COCO') from None
        except (ValueError, KeyError, TypeError) as error:
            if isinstance(error, RecordError):
                raise
            expected = 'JSON of COCO with images and annotations'
            raise RecordError(self.ann_file, f'{type(error).__name__}: {error}', expected) from None

    def _targets_of_images(self, content: Dict[str, Any]) -> Dict[int, np.ndarray]:
        """Boxes (xyxy) and identities ``[N, 5]`` by image."""
        images = {image['id']: image for image in content['images']}
        rows = defaultdict(list)
        for number, annotation in enumerate(content['annotations']):
            image = images.get(annotation['image_id'])
            if image is None:
                found = f'an object of image {annotation["image_id"]}'
                raise RecordError(self.ann_file, found, 'an image that is listed', f'annotation {number}')
            reason = self.why_no_target(annotation, image)
            if reason:
                self.skipped.add(reason)
                continue
            x, y, width, height = annotation['bbox']
            identity = annotation.get('instance_id', len(rows[image['id']]) + 1)
            rows[image['id']].append((x, y, x + width, y + height, identity))
        return {key: np.array(each, dtype=np.float64) for key, each in rows.items()}

    def _record(self, key: int, images: List[dict], objects: Dict[int, np.ndarray]) -> Dict[str, Any]:
        images = sorted(images, key=lambda image: image.get('frame_id', 0))
        rows = [objects.get(image['id'], np.zeros((0, 5))) for image in images]
        joined = np.concatenate(rows)
        prefix = self.data_prefix.get('img_path') or ''
        frames = VideoFrames(
            [osp.join(prefix, image['file_name']) for image in images],
            joined[:, :4],
            [len(each) for each in rows],
            np.zeros(len(joined)),
            joined[:, 4],
            first_id=images[0]['id'],
        )
        return dict(video_id=key, video_length=len(frames), images=frames, visible=frames.occupied)

    def filter_data(self) -> List[dict]:
        """Leave out and count records without a target.

        Raises:
            RecordError: nothing is left.
        """
        self.skipped.log()
        kept = [record for record in self.data_list if record['visible'].any()]
        dropped = SkipCounter('videos or images')
        if len(kept) < len(self.data_list):
            dropped.reasons['without a target'] = len(self.data_list) - len(kept)
        dropped.log()
        if not kept:
            raise RecordError(self.ann_file, f'{len(self.data_list)} videos or images without a target', 'a target')
        return kept


@DATASETS.register_module()
class MOTPairDataset(CocoVideoPairDataset):
    """Videos of MOT Challenge, as ``tools/dataset_converters/mot_to_coco.py`` writes them, for training.

    Targets are pedestrians (class 1) with confidence 1 of which enough is to be seen; their boxes may reach over the
    border of the image.

    Args:
        visibility_thr: Least share of a target that must be visible.
        kwargs: See :class:`CocoVideoPairDataset`.
    """

    METAINFO = dict(classes=('pedestrian',))

    def __init__(self, visibility_thr: float = 0.25, **kwargs: Any) -> None:
        self.visibility_thr = visibility_thr
        super().__init__(**kwargs)

    def why_no_target(self, annotation: Dict[str, Any], image: Dict[str, Any]) -> str:
        """Also: another class, confidence 0, or hardly visible."""
        if annotation['mot_conf'] != 1 or annotation['category_id'] != 1:
            return 'of other classes or to be ignored'
        if annotation['visibility'] < self.visibility_thr:
            return f'less than {self.visibility_thr:.0%} visible'
        return super().why_no_target(annotation, image)


@DATASETS.register_module()
class CrowdHumanPairDataset(CocoVideoPairDataset):
    """CrowdHuman (Shao et al., 2018), as ``tools/dataset_converters/crowdhuman_to_coco.py`` writes it.

    A record is an image, which is shown twice; a target is a person's full box, which may reach over the border.
    """

    METAINFO = dict(classes=('pedestrian',))


@DATASETS.register_module()
class CocoPairDataset(CocoVideoPairDataset):
    """COCO 2017 for tracking a single object: a record is one object of an image, which is shown several times.

    Objects of all 80 classes that are no crowds are targets.
    """

    METAINFO = dict(classes=('object',))

    def load_data_list(self) -> List[dict]:
        """A record for each target."""
        records = []
        for record in super().load_data_list():
            frame = record['images'][0]
            for row in range(len(frame['gt_bboxes'])):
                one = VideoFrames(
                    [frame['img_path']], frame['gt_bboxes'][[row]], [1], [0], frame['gt_instances_ids'][[row]],
                    frame['img_id'],
                )  # fmt: skip
                records.append(dict(record, images=one, visible=one.occupied))
        return records
