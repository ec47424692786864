"""Text-video retrieval with two encoders."""

from typing import Any, Dict, List, Optional, Tuple, Union

import torch
from mmengine.model import BaseModel
from torch import Tensor

from vlplugins.registry import MODELS

Inputs = Dict[str, Any]


@MODELS.register_module()
class TextVideoRetriever(BaseModel):
    """Encodes videos and texts into one space, in which a text is near to its video (CLIP4Clip, CenterCLIP).

    Args:
        video_encoder: Config of a backbone ``[B, T, 3, H, W] -> [B, S, E]``, such as :class:`CLIPVisionTransformer`.
        text_encoder: Config of a backbone ``[N, M] -> [N, E]``, such as :class:`CLIPTextTransformer`.
        head: Config of :class:`MeanPoolSimilarityHead`.
        data_preprocessor: Config of :class:`RetrievalDataPreprocessor`.
        init_cfg: MMEngine initialisation.
    """

    def __init__(
        self,
        video_encoder: dict,
        text_encoder: dict,
        head: Optional[dict] = None,
        data_preprocessor: Optional[dict] = None,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(None if data_preprocessor is None else MODELS.build(data_preprocessor), init_cfg)
        self.video_encoder = MODELS.build(video_encoder)
        self.text_encoder = MODELS.build(text_encoder)
        self.head = MODELS.build(head or dict(type='vlplugins.MeanPoolSimilarityHead'))

    def forward(
        self, inputs: Inputs, data_samples: Optional[List] = None, mode: str = 'tensor'
    ) -> Union[Dict[str, Tensor], List, Tuple[Optional[Tensor], ...]]:
        """Run the model.

        Args:
            inputs: ``imgs [B, T, 3, H, W]``, ``frame_mask [B, T]`` booleans (all true where absent), ``text_ids
                [N, M]`` and, where a video has several captions, ``captions_per_video``, B integers with the sum N. For
                ``'predict'`` and ``'tensor'`` either ``imgs`` or ``text_ids`` may be absent.
            data_samples: One sample per video (per text where there are no videos), for ``'predict'``.
            mode: ``'loss'``: dict of losses, N = B; ``'tensor'``: video features ``[B, S, E]``, segment mask
                ``[B, S]`` and text features ``[N, E]``, ``None`` for what is absent; ``'predict'``: the samples with
                ``video_feature [E]`` and ``text_features [C, E]``, of unit norm, and ``logit_scale``.

        Raises:
            ValueError: another mode, or inputs that lack what it needs.
        """
        if mode == 'loss':
            return self.loss(inputs)
        if mode == 'tensor':
            return self.extract_features(inputs)
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        raise ValueError(f"mode {mode!r} is unknown; expected 'loss', 'predict' or 'tensor'")

    def extract_features(self, inputs: Inputs) -> Tuple[Optional[Tensor], Optional[Tensor], Optional[Tensor]]:
        """Features of ``inputs``, as ``'tensor'`` of :meth:`forward`."""
        imgs, text_ids = inputs.get('imgs'), inputs.get('text_ids')
        if imgs is None and text_ids is None:
            raise ValueError(f'inputs have neither imgs nor text_ids, but {sorted(inputs)}')
        videos = mask = None
        if imgs is not None:
            videos, mask = self._encode_frames(imgs, inputs.get('frame_mask'))
        texts = None if text_ids is None else self.text_encoder(text_ids)
        return videos, mask, texts

    def _encode_frames(self, imgs: Tensor, frame_mask: Optional[Tensor]) -> Tuple[Tensor, Tensor]:
        features = self.video_encoder(imgs)
        if frame_mask is None:
            frame_mask = torch.ones(imgs.shape[:2], dtype=torch.bool, device=imgs.device)
        return features, self.head.segment_mask(frame_mask, features.size(1))

    def loss(self, inputs: Inputs) -> Dict[str, Tensor]:
        """Losses of videos and texts, one text per video."""
        missing = [key for key in ('imgs', 'text_ids') if inputs.get(key) is None]
        if missing:
            raise ValueError(f'training needs imgs and text_ids; the inputs lack {missing}')
        return self.head.loss(*self.extract_features(inputs))

    def encode_videos(self, imgs: Tensor, frame_mask: Optional[Tensor] = None) -> Tensor:
        """Unit vectors ``[B, E]`` of normalised frames ``[B, T, 3, H, W]``, of which ``frame_mask [B, T]`` count."""
        return self.head.video_vectors(*self._encode_frames(imgs, frame_mask))

    def encode_texts(self, text_ids: Tensor) -> Tensor:
        """Unit vectors ``[N, E]`` of texts ``[N, M]``."""
        return self.head.text_vectors(self.text_encoder(text_ids))

    def predict(self, inputs: Inputs, data_samples: List) -> List:
        """Put the unit vectors of the video and of its captions into the samples.

        Raises:
            ValueError: the captions do not share out over the samples.
        """
        videos, mask, texts = self.extract_features(inputs)
        if videos is not None:
            for sample, vector in zip(data_samples, self.head.video_vectors(videos, mask)):
                sample.video_feature = vector
        if texts is not None:
            counts = inputs.get('captions_per_video')
            counts = [1] * len(data_samples) if counts is None else list(counts)
            if len(counts) != len(data_samples) or sum(counts) != len(texts):
                raise ValueError(f'{len(texts)} texts do not share out as {counts} over {len(data_samples)} samples')
            for sample, vectors in zip(data_samples, self.head.text_vectors(texts).split(counts)):
                sample.text_features = vectors
        for sample in data_samples:
            sample.logit_scale = self.head.logit_scale.detach()
        return data_samples
