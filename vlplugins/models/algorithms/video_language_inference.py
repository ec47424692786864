"""Does a statement follow from a clip and its subtitles?"""

from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

import torch
import torch.nn.functional as F
from mmengine.model import BaseModel
from torch import Tensor, nn

from vlplugins.models.backbones.premise_encoder import feature_projection
from vlplugins.models.layers.inference_states import Premise, Statement
from vlplugins.models.losses.semantic_coherence import Corruption
from vlplugins.registry import MODELS

Inputs = Dict[str, Any]
States = Tuple[Tensor, Tensor]


class _Verdict(NamedTuple):
    logits: Tensor
    event_logits: Tensor
    evidence: Tensor
    statement: Statement


@MODELS.register_module()
class VideoLanguageInference(BaseModel):
    """An adaptive hierarchical graph network with semantic coherence learning (Li et al., ICCV 2021).

    The statement steers a graph inside each segment of frames and words, then one along the clip for each of its
    events; the events, with what they saw and when, exchange along the statement's own graph. The three coherence
    losses, one for each hierarchy, are left out where their ``loss_weight`` is 0, with the passes that they need.

    Args:
        text_channels: D_w.
        statement_encoder: Config of :class:`StatementGraphEncoder`.
        premise_encoder: Config of :class:`PremiseEncoder`.
        local_graph: Config of :class:`LocalInteractionGraph`.
        segment_graph: Config of :class:`SegmentRelationGraph`.
        statement_graph: Config of :class:`StatementReasoningGraph`.
        head: Config of :class:`EntailmentHead`.
        coherence: Configs of ``local`` (:class:`SegmentAlignmentLoss`), ``segment`` (:class:`ReplacedSegmentLoss`),
            both without ``channels``, and ``glob`` (:class:`PairCoherenceLoss`); ``None`` for none.
        dim: d, of all parts.
        input_dropout: Dropout of the features of words.
        predict_coherence: Also predict what :class:`SemanticCoherenceMetric` measures.
        data_preprocessor: Config of :class:`InferenceDataPreprocessor`.
        init_cfg: MMEngine initialisation.

    Raises:
        ValueError: an unknown coherence loss, or one that lacks a modality.
    """

    def __init__(
        self,
        text_channels: int,
        statement_encoder: dict,
        premise_encoder: dict,
        local_graph: dict,
        segment_graph: dict,
        statement_graph: dict,
        head: dict,
        coherence: Optional[Dict[str, Optional[dict]]] = None,
        dim: int = 256,
        input_dropout: float = 0.5,
        predict_coherence: bool = False,
        data_preprocessor: Optional[dict] = None,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(data_preprocessor or dict(type='vlplugins.InferenceDataPreprocessor'), init_cfg)
        # One projection: what a word of the statement and one of the subtitles have in common must not be learned.
        self.text_proj = feature_projection(text_channels, dim, input_dropout)
        self.statement_encoder = MODELS.build(dict(statement_encoder, dim=dim))
        self.premise_encoder = MODELS.build(dict(premise_encoder, dim=dim))
        self.local_graph = MODELS.build(dict(local_graph, dim=dim))
        self.segment_graph = MODELS.build(dict(segment_graph, dim=dim))
        self.statement_graph = MODELS.build(dict(statement_graph, dim=dim))
        self.head = MODELS.build(dict(head, dim=dim))
        self.coherence = self._build_coherence(coherence or {}, dim)
        self.predict_coherence = predict_coherence

    def _build_coherence(self, losses: Dict[str, Optional[dict]], dim: int) -> nn.ModuleDict:
        needs = dict(local=2, segment=1, glob=0)
        found = nn.ModuleDict()
        for name, loss in losses.items():
            if name not in needs:
                raise ValueError(f'coherence.{name} is unknown; expected some of {tuple(needs)}')
            if loss is None:
                continue
            modalities = self.premise_encoder.modalities
            if len(modalities) < needs[name]:
                raise ValueError(f'coherence.{name} needs {needs[name]} of the modalities, which are {modalities}')
            found[name] = MODELS.build(dict(loss) if name == 'glob' else dict(loss, channels=dim))
        return found

    def forward(
        self, inputs: Inputs, data_samples: Optional[List] = None, mode: str = 'tensor'
    ) -> Union[Dict[str, Tensor], Tensor, List]:
        """Run the model on B clips with S statements each.

        Args:
            inputs: As :class:`InferenceDataPreprocessor` makes them.
            data_samples: A :class:`TemporalDataSample` for each clip.
            mode: ``'loss'``: dict of losses; ``'tensor'``: logits ``[B, S]``; ``'predict'``: the samples with
                ``pred_score``, ``pred_label``, ``event_scores`` and ``evidence``.

        Raises:
            ValueError: another mode.
        """
        if mode == 'loss':
            return self.loss(inputs, data_samples)
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        if mode == 'tensor':
            return self.judge(inputs).logits.view(-1, inputs['num_statements'])
        raise ValueError(f"mode {mode!r} is unknown; expected 'loss', 'predict' or 'tensor'")

    def encode_premise(self, inputs: Inputs) -> Premise:
        """Clips as they are before any statement is read: what many statements of a clip may share."""
        words = self.text_proj(inputs['sub']) if 'sub' in inputs else None
        return self.premise_encoder(inputs, words)

    def judge(self, inputs: Inputs, premise: Optional[Premise] = None) -> _Verdict:
        """Logits of all statements, those of a clip side by side.

        Args:
            inputs: As in :meth:`forward`.
            premise: The clips, where they have been encoded before.
        """
        found = inputs['statements']
        statement = self.statement_encoder(self.text_proj(found['tokens']), found)
        premise = self.encode_premise(inputs) if premise is None else premise
        count = inputs['num_statements']
        if self.local_graph.adaptive:
            repeated = premise.repeat(count)
            video, text = self.local_graph(repeated, statement)
        else:
            video, text = (each.repeat_interleave(count, dim=0) for each in self.local_graph(premise))
            repeated = premise.repeat(count)
        rows = statement.rows
        events = statement.events[rows[:, 0], rows[:, 1]]
        states = self.segment_graph(video, text, repeated, events, rows[:, 0])
        nodes = self.statement_graph(statement, states)
        logits, event_logits = self.head(nodes, statement.whole, statement.event_mask)
        return _Verdict(logits, event_logits, states.evidence, statement)

    def loss(self, inputs: Inputs, data_samples: List) -> Dict[str, Tensor]:
        """Losses: ``loss_cls`` and, as far as they are on, ``loss_local``, ``loss_segment`` and ``loss_global``.

        A batch that is not of pairs has no ``loss_global``.
        """
        premise = self.encode_premise(inputs)
        verdict = self.judge(inputs, premise)
        labels = torch.stack([sample.gt_label for sample in data_samples]).to(verdict.logits.device)
        losses = dict(loss_cls=self.head.loss(verdict.logits, labels.flatten()))
        if self._is_on('local') or self._is_on('segment'):
            unread = self._unread(premise)
        if self._is_on('local'):
            key = inputs['segment_text'][..., None]
            losses['loss_local'] = self.coherence['local'](*unread, _has_both(premise), key, inputs['clip_ids'])
        if self._is_on('segment'):
            corruption, states = self._replaced_states(unread, premise, verdict, inputs)
            # A clip is judged under what is true of it: a false statement does not cohere with it in any case.
            is_true = (labels[:, 0] == 1).view(-1, *[1] * (corruption.counted.dim() - 1))
            corruption = corruption._replace(counted=corruption.counted & is_true)
            losses['loss_segment'] = self.coherence['segment'](states, premise.mask, corruption)
        if self._is_on('glob') and inputs['is_paired']:
            losses['loss_global'] = self.coherence['glob'](verdict.logits[::2], verdict.logits[1::2])
        return losses

    def _is_on(self, name: str) -> bool:
        return name in self.coherence and self.coherence[name].loss_weight != 0

    def _unread(self, premise: Premise) -> States:
        """Sight and words of each segment before they have seen each other or the statement.

        What belongs together must be found in these: of states that have exchanged, alignment would be solved already,
        and to read a statement they drop what else they have in common with their clip.
        """
        return self.local_graph(premise, cross_modal=False)

    def _replaced_states(
        self,
        unread: States,
        premise: Premise,
        verdict: _Verdict,
        inputs: Inputs,
        generator: Optional[torch.Generator] = None,
    ) -> Tuple[Corruption, Tensor]:
        """The corruption of each clip, and the states of its segments ``[B, K, d]`` under its first statement."""
        count = inputs['num_statements']
        # Of each clip the first statement, which of a pair is the true one.
        corruption = self.coherence['segment'].corrupt(premise.mask, generator, inputs['clip_ids'])
        video, text = (corruption.apply(each) for each in unread)
        events, is_event = verdict.statement.events[::count], verdict.statement.event_mask[::count]
        # All events of a statement, real or not: their number is then known without a look at the device.
        size, most = events.shape[:2]
        clips = torch.arange(size, device=events.device).repeat_interleave(most)
        states = self.segment_graph(video, text, premise, events.flatten(0, 1), clips).nodes
        states = states.unflatten(0, (size, most)).unflatten(2, (2, -1))
        both = torch.stack([premise.has_video, premise.has_text], dim=1)
        real = is_event[:, :, None, None] & both[:, None]
        weights = real / real.sum(dim=(1, 2), keepdim=True).clamp(min=1)
        return corruption, (states * weights[..., None]).sum(dim=(1, 2))

    def predict(self, inputs: Inputs, data_samples: List) -> List:
        """Put scores, and what they rest on, into the samples."""
        premise = self.encode_premise(inputs)
        verdict = self.judge(inputs, premise)
        statement, count = verdict.statement, inputs['num_statements']
        segments = premise.mask.size(1)
        evidence = verdict.evidence.new_zeros(*statement.event_mask.shape, 2 * segments)
        evidence[statement.rows[:, 0], statement.rows[:, 1]] = verdict.evidence
        evidence = evidence.unflatten(2, (2, segments)).transpose(2, 3)
        scores, event_scores = verdict.logits.sigmoid(), verdict.event_logits.sigmoid()
        lengths = inputs['segment_mask'].sum(dim=1).tolist()
        for index, (sample, length) in enumerate(zip(data_samples, lengths)):
            part = slice(index * count, (index + 1) * count)
            sample.set_data(
                dict(
                    pred_score=scores[part],
                    pred_label=(scores[part] >= self.head.threshold).long(),
                    event_scores=event_scores[part],
                    evidence=evidence[part, :, :length],
                    segment_times=inputs['segment_times'][index, :length],
                )
            )
        if self.predict_coherence:
            self._predict_coherence(premise, verdict, inputs, data_samples)
        return data_samples

    def _predict_coherence(self, premise: Premise, verdict: _Verdict, inputs: Inputs, data_samples: List) -> None:
        found, unread = {}, self._unread(premise)
        if 'local' in self.coherence:
            loss = self.coherence['local']
            first, second = loss.first(unread[0]), loss.second(unread[1])
            pair = torch.stack([F.normalize(first, dim=-1), F.normalize(second, dim=-1)], dim=1)
            found.update(aligned=pair, aligned_mask=_has_both(premise))
        if 'segment' in self.coherence and self.coherence['segment'].mode == 'replace':
            generator = torch.Generator(verdict.logits.device).manual_seed(0)
            corruption, states = self._replaced_states(unread, premise, verdict, inputs, generator)
            scores = self.coherence['segment'].logits(states, premise.mask)
            found.update(replaced_scores=scores, replaced=corruption.replaced)
        lengths = inputs['segment_mask'].sum(dim=1).tolist()
        for index, (sample, length) in enumerate(zip(data_samples, lengths)):
            parts = {name: value[index] for name, value in found.items()}
            cut = {name: part[:, :length] if name == 'aligned' else part[:length] for name, part in parts.items()}
            sample.set_metainfo(cut)


def _has_both(premise: Premise) -> Tensor:
    return premise.frame_mask.any(dim=2) & premise.word_mask.any(dim=2)
