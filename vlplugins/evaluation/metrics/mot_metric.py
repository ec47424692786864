"""Tracking several objects, judged by the official ``trackeval``."""

import contextlib
import io
import os
from typing import Any, Dict

import numpy as np
from mmdet.evaluation.metrics import MOTChallengeMetric

from vlplugins.registry import METRICS
from vlplugins.utils.optional import require

# Of each group of trackeval: shares, and counts.
_SHARES = dict(HOTA=('HOTA', 'AssA', 'DetA'), CLEAR=('MOTA', 'MOTP'), Identity=('IDF1', 'IDP', 'IDR'))
_COUNTS = dict(
    CLEAR=dict(IDSW='IDSW', TP='CLR_TP', FP='CLR_FP', FN='CLR_FN', Frag='Frag', MT='MT', ML='ML'),
    Identity=dict(IDTP='IDTP', IDFN='IDFN', IDFP='IDFP'),
)
_QUIET = dict(
    PRINT_RESULTS=False, PRINT_CONFIG=False, TIME_PROGRESS=False, OUTPUT_SUMMARY=False, OUTPUT_DETAILED=False,
    OUTPUT_EMPTY_CLASSES=False, PLOT_CURVES=False,
)  # fmt: skip
_PREDICTIONS = ('instances_id', 'bboxes', 'scores')


@METRICS.register_module()
class MOTMetric(MOTChallengeMetric):
    """mmdet's ``MOTChallengeMetric`` in per cent, which says what is wrong with a prediction.

    It heeds ``track_iou_thr``, moves a frame from the device at once, and draws and prints nothing.

    ``HOTA``, ``AssA``, ``DetA``, ``MOTA``, ``MOTP``, ``IDF1``, ``IDP``, ``IDR``; and as they are, the counts ``IDSW``,
    ``TP``, ``FP``, ``FN``, ``Frag``, ``MT``, ``ML``, ``IDTP``, ``IDFN``, ``IDFP``. With ``format_only`` and
    ``outfile_prefix`` it writes the files of the server alone: ``default-tracker/<sequence>.txt``.

    Frames have ``pred_track_instances`` with ``bboxes`` (xyxy in pixels of the video), ``scores`` and ``instances_id``;
    with the truth in their metainfo ``instances``, as ``mmdet.MOTChallengeDataset`` gives it for all classes.

    Args:
        args: As those of ``mmdet.MOTChallengeMetric``.
        kwargs: Likewise.

    Raises:
        ImportError: ``trackeval`` is not installed; says how to get it.
        ValueError: (when called) a box or score that is not finite, or an identity that is negative or twice in a
            frame; names the sequence.
    """

    default_prefix = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.trackeval = require('trackeval', type(self).__name__)
        super().__init__(*args, **kwargs)

    def transform_gt_and_pred(self, img_data_sample: Dict[str, Any], video: str, frame_id: int) -> None:
        """Keep the truth and the predictions of a frame, as rows of MOT Challenge."""
        # The base class moves each number by itself from the device.
        found = img_data_sample['pred_track_instances']
        identities, boxes, scores = (found[name].detach().cpu().double().numpy() for name in _PREDICTIONS)
        name = os.path.normpath(img_data_sample['img_path']).split(os.sep)[-3]
        where = f'sequence {name}, frame {frame_id}'
        if not (np.isfinite(boxes).all() and np.isfinite(scores).all()):
            raise ValueError(f'{where}: boxes or scores that are not finite: {boxes[~np.isfinite(boxes).all(axis=1)]}')
        # Negative ones trackeval takes for others, silently.
        if len(np.unique(identities)) != len(identities) or (identities < 0).any():
            raise ValueError(
                f'{where}: an identity occurs twice or is negative among {identities.astype(int).tolist()}'
            )
        frames = np.full(len(boxes), frame_id + 1.0)
        rows = np.stack([frames, identities, *boxes[:, :2].T, *(boxes[:, 2:] - boxes[:, :2]).T, scores], axis=1)
        self.seq_info[video]['pred_tracks'].extend(rows)
        truth = [
            (frame_id + 1, each['instance_id'], *each['bbox'][:2], each['bbox'][2] - each['bbox'][0])
            + (each['bbox'][3] - each['bbox'][1], each['mot_conf'], each['category_id'], each['visibility'])
            for each in img_data_sample.get('instances', ())
        ]
        self.seq_info[video]['gt_tracks'].extend(np.array(truth, dtype=np.float64).reshape(-1, 9))

    def compute_metrics(self, results: Any = None) -> Dict[str, float]:
        """Per cent, and counts."""
        if self.format_only:
            return {}
        found = self._judge()
        values: Dict[str, float] = {}
        for group in self.metrics:
            # Of HOTA there is a value for each of 19 thresholds, of which the mean is taken.
            values.update({name: 100 * float(np.mean(found[group][name])) for name in _SHARES[group]})
            values.update({name: float(found[group][key]) for name, key in _COUNTS.get(group, {}).items()})
        return values

    def _judge(self) -> Dict[str, Dict[str, Any]]:
        """What trackeval says of all sequences together; without the pages and pictures that it makes."""
        folder = os.path.dirname(self.pred_dir)
        config = dict(self.get_dataset_cfg(self.gt_dir, folder), PRINT_CONFIG=False)
        settings = dict(THRESHOLD=self.track_iou_thr, PRINT_CONFIG=False)
        with contextlib.redirect_stdout(io.StringIO()):
            evaluator = self.trackeval.Evaluator({**self.trackeval.Evaluator.get_default_eval_config(), **_QUIET})
            measures = [getattr(self.trackeval.metrics, name)(dict(settings, METRICS=[name])) for name in self.metrics]
            found, _ = evaluator.evaluate([self.trackeval.datasets.MotChallenge2DBox(config)], measures)
        return found['MotChallenge2DBox'][self.TRACKER]['COMBINED_SEQ']['pedestrian']
