"""Search in a gallery of videos by sentences."""

import argparse
import warnings
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple, Union

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.infer.infer import ModelType
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from vlplugins.apis.base import BaseInferencer, find_pipeline
from vlplugins.apis.retrieval_pictures import RetrievalPictures
from vlplugins.apis.vector_index import VectorIndex
from vlplugins.registry import INFERENCERS, TRANSFORMS
from vlplugins.utils.feature_cache import FeatureCache, fingerprint_of, stamp_of
from vlplugins.utils.records import RecordError, SkipCounter

VIDEO_EXTENSIONS = ('.mp4', '.avi', '.mkv', '.mov', '.webm', '.m4v', '.mpg', '.mpeg', '.flv', '.wmv')
_TEXT_TRANSFORMS = ('Tokenize',)
Videos = Union[str, Path, Sequence[Union[str, Path]]]


class _Videos(Dataset):
    """Packed videos; for one that cannot be read, the error."""

    def __init__(self, paths: List[str], pipeline: Callable) -> None:
        self.paths, self.pipeline = paths, pipeline

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Tuple[str, Any]:
        path = self.paths[index]
        try:
            return path, self.pipeline(dict(video_path=path, video_id=Path(path).stem))
        except RecordError as error:
            return path, error


@INFERENCERS.register_module()
class TextVideoRetrievalInferencer(RetrievalPictures, BaseInferencer):
    """Finds videos by sentences: ``index`` a gallery once, then ``search`` it.

    ``inferencer(texts)`` returns ``dict(predictions=[dict(text, results=[dict(video, score), ...])], ...)``, and draws
    a contact sheet for each text into ``vis_out_dir``. A score is a cosine, -1..1.

    Args:
        model: Path of a config, or a config, of a model with ``encode_videos`` and ``encode_texts``.
        weights: Checkpoint.
        gallery: A gallery file to search, or videos to index.
        topk: Videos of a result.
        index: ``'exact'``, or of faiss ``'flat'`` or ``'ivf'``, as in :class:`VectorIndex`.
        device: As in :class:`BaseInferencer`.
        show_progress: Show progress bars.

    Raises:
        ValueError: a model that cannot encode videos and texts, or a test pipeline without ``Tokenize``.
        RecordError: a gallery of another model, or a damaged one.
    """

    extensions = VIDEO_EXTENSIONS
    forward_kwargs = {'topk'}

    def __init__(
        self,
        model: Union[ModelType, str],
        weights: Optional[str] = None,
        gallery: Optional[Videos] = None,
        topk: int = 5,
        index: str = 'exact',
        device: Optional[str] = None,
        show_progress: bool = True,
    ) -> None:
        self.topk, self.index_kind = topk, index
        self._gallery: Optional[FeatureCache] = None
        self._vectors: Optional[VectorIndex] = None
        super().__init__(model, weights, device, show_progress)
        if not hasattr(self.model, 'encode_videos') or not hasattr(self.model, 'encode_texts'):
            raise ValueError(f'{type(self.model).__name__} has no encode_videos and encode_texts')
        self.fingerprint = fingerprint_of(self.model, self.cfg.model.to_dict(), find_pipeline(self.cfg))
        if gallery is not None:
            self.open_gallery(gallery)

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Add the arguments of ``tools/infer.py`` for this task."""
        group = parser.add_argument_group('text-video retrieval (the inputs are sentences)')
        group.add_argument('--gallery', nargs='+', help='videos, folders of videos, or a gallery file (.npz)')
        group.add_argument('--gallery-out', help='write the gallery to this file (default: OUT_DIR/gallery.npz)')
        group.add_argument('--topk', type=int, help='videos for each sentence')
        group.add_argument('--skip-bad', action='store_true', help='leave out, and count, videos that cannot be read')

        group.add_argument(
            '--kept-patches', action='store_true', help='draw which patches of the found videos are kept'
        )

    def apply_arguments(self, args: argparse.Namespace) -> None:
        """Do what the arguments of :meth:`add_arguments` ask for.

        Raises:
            ValueError: no gallery.
        """
        self.topk, self.show_kept = args.topk or self.topk, args.kept_patches
        if args.gallery:
            out = args.gallery_out or (str(Path(args.out_dir, 'gallery.npz')) if args.out_dir else None)
            self.open_gallery(args.gallery, out, args.batch_size, args.skip_bad)
        elif self._gallery is None:
            raise ValueError('no videos to search; give --gallery with videos, a folder, or a gallery file')

    def _init_pipeline(self, cfg: Config) -> Callable:
        transforms = find_pipeline(cfg)
        with TRANSFORMS.switch_scope_and_registry(self.scope) as registry:
            built = [(each['type'].split('.')[-1], registry.build(each)) for each in transforms]
        texts = [transform for name, transform in built if name in (*_TEXT_TRANSFORMS, 'PackRetrievalInputs')]
        if len(texts) < 2:
            raise ValueError(f'the test pipeline {[name for name, _ in built]} has no Tokenize and PackRetrievalInputs')
        self.video_pipeline = Compose([transform for name, transform in built if name not in _TEXT_TRANSFORMS])
        text_pipeline = Compose(texts)
        return lambda text: text_pipeline(self.to_record(text))

    def to_record(self, item: str) -> Dict[str, Any]:
        """A text as ``Tokenize`` takes it."""
        return dict(text=item, text_indices=[0])

    def to_plain(self, sample: Dict[str, Any]) -> Dict[str, Any]:
        """The result of a text, which is plain data already."""
        return sample

    def _inputs_to_list(self, inputs: Union[str, Sequence[str]]) -> List[str]:
        texts = [inputs] if isinstance(inputs, str) else list(inputs)
        if not texts or not all(isinstance(each, str) for each in texts):
            raise ValueError(f'found {inputs!r}; expected a sentence or a list of sentences')
        return texts

    def open_gallery(
        self, gallery: Videos, out: Optional[str] = None, batch_size: int = 8, skip_bad: bool = False
    ) -> FeatureCache:
        """Read a gallery file, or index videos; arguments as in :meth:`index`.

        Raises:
            FileNotFoundError: no such gallery file.
        """
        paths = [gallery] if isinstance(gallery, (str, Path)) else list(gallery)
        if len(paths) != 1 or Path(paths[0]).suffix != '.npz':
            return self.index(paths, out, batch_size, skip_bad)
        if not Path(paths[0]).is_file():
            raise FileNotFoundError(f'no such gallery: {paths[0]}')
        return self._use(FeatureCache(self.fingerprint, paths[0]))

    def index(
        self,
        videos: Videos,
        out: Optional[str] = None,
        batch_size: int = 8,
        skip_bad: bool = False,
        num_workers: int = 0,
        save_every: int = 50,
    ) -> FeatureCache:
        """Encode videos, and search among them from now on.

        With ``out``, features are kept in that file. A later call encodes only videos that are new or have changed, and
        drops those not asked for; one that was interrupted goes on where it was last saved.

        Args:
            videos: Files and folders of videos.
            out: The gallery file (``.npz``).
            batch_size: Videos at a time.
            skip_bad: Leave out videos that cannot be read: each is named, and they are counted in
                ``skipped``. Otherwise the first one is an error.
            num_workers: Processes that decode.
            save_every: Batches after which the file is written.

        Raises:
            RecordError: a video that cannot be read; a file ``out`` of another model.
            FileNotFoundError: no such video or folder.
            ValueError: no video left.
        """
        paths = list(dict.fromkeys(super()._inputs_to_list(videos)))
        cache = FeatureCache(self.fingerprint, out)
        stamps = {path: stamp_of(path) for path in paths}
        wanted = [path for path in paths if not cache.has(path, stamps[path])]
        self.skipped = SkipCounter('videos')
        cache.keep_only([path for path in paths if path not in wanted])
        try:
            for number, (names, features) in enumerate(self._encode(wanted, batch_size, skip_bad, num_workers), 1):
                for name, feature in zip(names, features):
                    cache.add(name, stamps[name], feature)
                if number % save_every == 0:
                    cache.save()
        finally:
            if len(cache):
                cache.keep_only(paths)
                cache.save()
        self.skipped.log()
        if not len(cache):
            raise ValueError(f'no video that can be read among {len(paths)} ({self.skipped.summary()})')
        return self._use(cache)

    def _encode(
        self, paths: List[str], batch_size: int, skip_bad: bool, num_workers: int
    ) -> Iterator[Tuple[List[str], np.ndarray]]:
        dataset = _Videos(paths, self.video_pipeline)
        loader = DataLoader(dataset, batch_size, num_workers=num_workers, collate_fn=list)
        with tqdm(total=len(paths), desc='indexing', disable=not self.show_progress) as bar:
            for batch in loader:
                good = [each for each in batch if not isinstance(each[1], Exception)]
                for _, error in (each for each in batch if isinstance(each[1], Exception)):
                    if not skip_bad:
                        raise error
                    warnings.warn(f'skipped: {error}', stacklevel=3)
                    self.skipped.add(f'unreadable ({error.file})')
                if good:
                    names, items = zip(*good)
                    yield list(names), self._video_features(items)
                bar.update(len(batch))

    @torch.no_grad()
    def _video_features(self, items: Sequence[dict]) -> np.ndarray:
        inputs = self.model.data_preprocessor(pseudo_collate(list(items)), False)['inputs']
        return self.model.encode_videos(inputs['imgs'], inputs.get('frame_mask')).float().cpu().numpy()

    def _use(self, cache: FeatureCache) -> FeatureCache:
        self._gallery, self._vectors = cache, VectorIndex(cache.features, self.index_kind)
        return cache

    @torch.no_grad()
    def forward(self, inputs: Any, topk: Optional[int] = None, **kwargs: Any) -> List[Dict[str, Any]]:
        """Search for one batch of tokenised texts."""
        if self._gallery is None or self._vectors is None:
            raise ValueError('no gallery to search; call index(videos) or open_gallery(file) first')
        prepared = self.model.data_preprocessor(inputs, False)
        vectors = self.model.encode_texts(prepared['inputs']['text_ids']).float().cpu().numpy()
        scores, places = self._vectors.search(vectors, topk or self.topk)
        names = self._gallery.names
        found = []
        for sample, row, columns in zip(prepared['data_samples'], scores.tolist(), places.tolist()):
            results = [dict(video=names[place], score=score) for score, place in zip(row, columns) if place >= 0]
            found.append(dict(text=sample.captions[0], results=results))
        return found

    def search(
        self, texts: Union[str, Sequence[str]], topk: Optional[int] = None, batch_size: int = 64
    ) -> Union[List[Dict[str, Any]], List[List[Dict[str, Any]]]]:
        """Videos for a text, best first: ``[dict(video, score), ...]``; for a list of texts, a list of those.

        Raises:
            ValueError: no gallery, ``topk`` below 1, or what is no text.
        """
        if topk is not None and topk < 1:
            raise ValueError(f'topk {topk} must be at least 1')
        items = self._inputs_to_list(texts)
        found = [each for batch in self.preprocess(items, batch_size) for each in self.forward(batch, topk)]
        results = [each['results'] for each in found]
        return results[0] if isinstance(texts, str) else results
