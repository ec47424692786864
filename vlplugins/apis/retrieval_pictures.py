"""Pictures of a search in videos: contact sheets, and the patches that token clustering keeps."""

from pathlib import Path
from typing import Any, List, Optional, Sequence, Tuple, Union

import numpy as np
import torch

from vlplugins.datasets.transforms.video import LoadVideoFrames, OpenVideo, SegmentFrameSample


class RetrievalPictures:
    """What :class:`TextVideoRetrievalInferencer` draws.

    With ``show_kept`` a search also draws the kept patches of every video that it has found, once each.
    """

    show_kept = False

    def visualize(self, inputs: List[str], preds: List[dict], vis_out_dir: Optional[str] = None) -> List[np.ndarray]:
        """Contact sheets of the texts, written into ``vis_out_dir``; without it none is drawn."""
        if vis_out_dir is None:
            return []
        names = [self.picture_name(index, text[:40]) for index, text in enumerate(inputs)]
        pictures = [
            self.contact_sheet(each['text'], each['results'], str(Path(vis_out_dir, name)))
            for name, each in zip(names, preds)
        ]
        if self.show_kept:
            found = dict.fromkeys(result['video'] for each in preds for result in each['results'])
            for number, video in enumerate(found):
                self.draw_kept_patches(video, str(Path(vis_out_dir, 'kept', f'{number:06d}_{Path(video).stem}.png')))
        return pictures

    def picture_name(self, index: int, item: str) -> str:
        """File name of the contact sheet of a text."""
        words = ''.join(letter if letter.isalnum() else '-' for letter in item)
        return f'{index:06d}_{words}.png'

    def contact_sheet(self, text: str, results: Sequence[dict], out_file: Optional[str] = None) -> np.ndarray:
        """Picture (RGB) of the middle frames of the videos found for a text."""
        frames = [self._frames(each['video'], 1)[0] for each in results]
        titles = [f'{Path(each["video"]).stem[:24]}\n{each["score"]:.3f}' for each in results]
        return self._drawer().draw_retrieval(text, frames, titles, out_file)

    def kept_patches(self, video: Union[str, Path]) -> Tuple[np.ndarray, np.ndarray]:
        """Frames of a video, and which of their patches go on behind the first token clustering.

        Returns:
            uint8 ``[T, H, W, 3]``, RGB, and booleans ``[T, rows, columns]``.

        Raises:
            ValueError: a model without token clustering.
            RecordError: a video that cannot be read.
        """
        layers = [module for module in self.model.modules() if hasattr(module, 'record')]
        if not layers:
            raise ValueError('the model has no TokenClustering, so that it keeps every patch')
        item = self.video_pipeline(dict(video_path=str(video), video_id=Path(video).stem))
        before, layers[0].record = layers[0].record, True
        try:
            self._video_features([item])
        finally:
            layers[0].record = before
        frames = item['inputs']['imgs'].permute(0, 2, 3, 1).numpy()
        kept = torch.zeros_like(layers[0].last_assign, dtype=torch.bool)
        kept.scatter_(1, layers[0].last_medoids, True)
        kept = kept.reshape(len(frames), -1)
        side = round(kept.shape[1] ** 0.5)
        return frames, kept.reshape(len(frames), side, side).cpu().numpy()

    def draw_kept_patches(self, video: Union[str, Path], out_file: Optional[str] = None) -> np.ndarray:
        """Picture (RGB) of the frames of a video with the patches bright that token clustering keeps."""
        return self._drawer().draw_kept_patches(*self.kept_patches(video), Path(video).stem, out_file)

    @staticmethod
    def _frames(video: str, count: int) -> List[np.ndarray]:
        results = OpenVideo()(dict(video_path=video, video_id=Path(video).stem))
        return LoadVideoFrames()(SegmentFrameSample(count, test_mode=True)(results))['imgs']

    def _drawer(self) -> Any:
        from vlplugins.visualization.token_cluster_visualizer import TokenClusterVisualizer

        if isinstance(self.visualizer, TokenClusterVisualizer):
            return self.visualizer
        return TokenClusterVisualizer()
