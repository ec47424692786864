"""Average overlap of GOT-10k, and the files of its server."""

import logging
from typing import Dict, List

from mmengine.logging import print_log

from vlplugins.evaluation.functional.single_object_tracking import got10k_overlaps, judge_got10k, repair_track
from vlplugins.evaluation.metrics.sequence_metric import SequenceMetric, TrackOfVideo, of_sequence
from vlplugins.registry import METRICS


@METRICS.register_module()
class GOT10kMetric(SequenceMetric):
    """``AO``, ``SR_0.5`` and ``SR_0.75`` in per cent, over the frames of all sequences together.

    See ``vlplugins.evaluation.functional.single_object_tracking.got10k_overlaps``. The files of results are
    ``<sequence>/<sequence>_001.txt`` and beside it, where frames have the metainfo ``seconds``,
    ``<sequence>_time.txt``. The truth of the test set is not public, so that it needs ``format_only=True``.
    """

    def judge(self, tracks: List[TrackOfVideo]) -> Dict[str, float]:
        """Measures of the frames of all tracks."""
        return judge_got10k(
            [of_sequence(each.name, got10k_overlaps, each.boxes, each.truth, each.size, each.cover) for each in tracks]
        )

    def format(self, track: TrackOfVideo) -> Dict[str, str]:
        """Boxes, and times if there are such."""
        name = track.name.rsplit('/', 1)[-1]
        boxes = of_sequence(track.name, repair_track, track.boxes, track.truth[0])
        lines = (','.join(f'{value:.4f}' for value in box) for box in boxes)
        files = {f'{name}/{name}_001.txt': '\n'.join(lines) + '\n'}
        if track.seconds is None:
            print_log(f'{name}: frames have no seconds, so no file of times', 'current', logging.WARNING)
        else:
            files[f'{name}/{name}_time.txt'] = ''.join(f'{seconds:.8f}\n' for seconds in track.seconds)
        return files
