"""Writing tracks while they are made."""

from pathlib import Path
from typing import Any, Dict, Optional

import cv2
import numpy as np


class TrackWriter:
    """Writes the frames of one video: with boxes as a video, and as a table of MOT Challenge.

    Identities of the table are numbered from 1 in the order in which they appear.

    Args:
        video: Path of the video (``.mp4``).
        table: Path of the table: ``frame,id,x,y,width,height,score,-1,-1,-1`` a line, frames from 1.
        fps: Frames a second.
        visualizer: A :class:`TrackingVisualizer`, for the video.

    Raises:
        ValueError: a video without a visualizer that can annotate frames.
    """

    def __init__(
        self, video: Optional[Path] = None, table: Optional[Path] = None, fps: float = 25.0, visualizer: Any = None
    ) -> None:
        if video is not None and not hasattr(visualizer, 'annotate'):
            raise ValueError("the config's visualizer annotates no frames; use type='TrackingVisualizer'")
        for path in (video, table):
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
        self.video, self.fps, self.visualizer = video, fps, visualizer
        self._numbers: Dict[int, int] = {}
        self._encoder: Any = None
        self._table = None if table is None else open(table, 'w', encoding='utf-8')  # noqa: SIM115

    def write(self, frame: Dict[str, Any], image: np.ndarray) -> Dict[str, Any]:
        """Write ``dict(frame, objects)`` of an image (BGR); returns it."""
        if self._table is not None:
            for each in frame['objects']:
                number = self._numbers.setdefault(each['id'], len(self._numbers) + 1)
                box = ','.join(f'{value:.3f}' for value in each['box'])
                self._table.write(f'{frame["frame"] + 1},{number},{box},{each["score"]:.4f},-1,-1,-1\n')
        if self.video is not None:
            if self._encoder is None:
                code = cv2.VideoWriter_fourcc(*'mp4v')
                self._encoder = cv2.VideoWriter(str(self.video), code, self.fps, image.shape[1::-1])
            self._encoder.write(self.visualizer.annotate(image, frame['objects']))
        return frame

    def close(self) -> None:
        """Finish the files."""
        if self._table is not None:
            self._table.close()
        if self._encoder is not None:
            self._encoder.release()
