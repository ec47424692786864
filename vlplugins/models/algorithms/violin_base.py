"""The public baseline of VIOLIN: statement words attend to frames and subtitles."""

from typing import Any, Dict, List, Optional, Sequence, Union

import torch
from mmengine.model import BaseModel
from torch import Tensor, nn

from vlplugins.models.layers.masked_lstm import MaskedBiLSTM
from vlplugins.models.layers.masked_softmax import masked_softmax
from vlplugins.registry import MODELS


@MODELS.register_module()
class ViolinBase(BaseModel):
    """The baseline of VIOLIN (Liu et al., CVPR 2020) as its code has it.

    Every word of the statement reads each stream by dot product; word, readings, and their products go through a
    BiLSTM, whose last states are classified. The published two-stream model also builds the LSTMs of the one-stream
    models and throws their results away; they are not here. The output is a logit, not a probability whose logarithm
    is taken.

    Args:
        text_channels: D_w.
        video_channels: D_v; not needed without the video stream.
        streams: Some of ``'video'`` and ``'subtitle'``; none for a model of statements alone.
        hidden: Width of a direction of the LSTM of frames; words have twice as many numbers.
        embed_channels: Width of projected frames.
        dropout: Dropout of the inputs, and before the last layer.
        loss_cls: As in :class:`EntailmentHead`.
        threshold: As in :class:`EntailmentHead`.
        data_preprocessor: Config of :class:`InferenceDataPreprocessor`.
        init_cfg: MMEngine initialisation.

    Raises:
        ValueError: an unknown stream, or video without ``video_channels``.
    """

    def __init__(
        self,
        text_channels: int = 768,
        video_channels: Optional[int] = None,
        streams: Sequence[str] = ('video', 'subtitle'),
        hidden: int = 150,
        embed_channels: int = 768,
        dropout: float = 0.5,
        loss_cls: dict = dict(type='mmdet.CrossEntropyLoss', use_sigmoid=True),  # noqa: B006
        threshold: float = 0.5,
        data_preprocessor: Optional[dict] = None,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(data_preprocessor or dict(type='vlplugins.InferenceDataPreprocessor'), init_cfg)
        if set(streams) - {'video', 'subtitle'}:
            raise ValueError(f"streams {tuple(streams)}; expected some of ('video', 'subtitle')")
        if 'video' in streams and video_channels is None:
            raise ValueError("video_channels is missing; it is needed by the stream 'video'")
        self.streams, self.threshold = tuple(streams), threshold
        width = 2 * hidden
        self.text_proj = nn.Sequential(nn.Dropout(dropout), nn.Linear(text_channels, width), nn.Tanh())
        if 'video' in streams:
            self.video_proj = nn.Sequential(nn.Dropout(dropout), nn.Linear(video_channels, embed_channels), nn.Tanh())
            self.video_lstm = MaskedBiLSTM(embed_channels, width)
        if not streams:
            self.classifier: nn.Module = nn.Linear(width, 1)
        else:
            self.fusion_lstm = MaskedBiLSTM((1 + 2 * len(streams)) * width, 2 * width)
            self.classifier = nn.Sequential(
                nn.Linear(2 * width, width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, 1)
            )
        self.loss_cls = MODELS.build(loss_cls)

    def forward(
        self, inputs: Dict[str, Any], data_samples: Optional[List] = None, mode: str = 'tensor'
    ) -> Union[Dict[str, Tensor], Tensor, List]:
        """Run the model on B clips with S statements each; arguments as :class:`VideoLanguageInference` has them.

        Raises:
            ValueError: another mode.
        """
        if mode not in ('loss', 'predict', 'tensor'):
            raise ValueError(f"mode {mode!r} is unknown; expected 'loss', 'predict' or 'tensor'")
        logits = self.judge(inputs)
        if mode == 'loss':
            labels = torch.stack([sample.gt_label for sample in data_samples]).to(logits.device)
            return dict(loss_cls=self.loss_cls(logits.view(-1, 1), labels.view(-1, 1).float()))
        if mode == 'tensor':
            return logits
        for sample, scores in zip(data_samples, logits.sigmoid()):
            sample.set_data(dict(pred_score=scores, pred_label=(scores >= self.threshold).long()))
        return data_samples

    def judge(self, inputs: Dict[str, Any]) -> Tensor:
        """Logits ``[B, S]``."""
        found, count = inputs['statements'], inputs['num_statements']
        words, mask = self.text_proj(found['tokens']), found['token_mask']
        if not self.streams:
            filled = words.masked_fill(~mask[..., None], torch.finfo(words.dtype).min)
            return self.classifier(filled.amax(dim=1)).view(-1, count).float()
        parts = [words]
        for memory, real in self._streams(inputs):
            memory, real = memory.repeat_interleave(count, dim=0), real.repeat_interleave(count, dim=0)
            weights = masked_softmax(words @ memory.transpose(1, 2), real[:, None] & mask[..., None])
            parts.append(weights.to(words.dtype) @ memory)
        # Products come behind all that is read, as in the published code.
        parts += [words * part for part in parts[1:]]
        lengths = mask.sum(dim=1)
        states = self.fusion_lstm(torch.cat(parts, dim=-1), lengths)
        onward, backward = states.chunk(2, dim=-1)
        rows = torch.arange(len(states), device=states.device)
        last = torch.cat([onward[rows, lengths - 1], backward[:, 0]], dim=-1)
        return self.classifier(last).view(-1, count).float()

    def _streams(self, inputs: Dict[str, Any]) -> List[tuple]:
        found = []
        missing = [name for name, key in (('video', 'video'), ('subtitle', 'sub')) if key not in inputs]
        if set(missing) & set(self.streams):
            raise ValueError(f'the inputs have {sorted(inputs)}; the model needs {missing}')
        if 'video' in self.streams:
            lengths = inputs['video_mask'].sum(dim=1)
            found.append((self.video_lstm(self.video_proj(inputs['video']), lengths), inputs['video_mask']))
        if 'subtitle' in self.streams:
            found.append((self.text_proj(inputs['sub']), inputs['sub_mask']))
        return found
