"""Small annotations of VIOLIN, statements as graphs, and packed clips."""

import json
from pathlib import Path
from typing import Any, Dict

import numpy as np
import torch
from mmengine.dataset import pseudo_collate

from vlplugins.datasets.formats.violin_annotations import clean_statement
from vlplugins.datasets.synthetic.violin import template_graph
from vlplugins.datasets.text_encoders import HashSentenceEncoder
from vlplugins.datasets.transforms import AlignSegments, LoadStatementGraph, PackInferenceInputs
from vlplugins.datasets.transforms.text_features import encode_clip

CLIP = 'dh_s08e07_clip_100_116'


def record(**changes: Any) -> Dict[str, Any]:
    """A record of the released layout, whose keys can be changed."""
    pair = ['The man opens it.', 'The man closes it.']
    lines = [['i want coffee', 0.5, 3.5], ['i want money', 4.5, 7.5]]
    return {
        **dict(file=CLIP, source='x', split='train', sub=lines, statement=[list(pair) for _ in range(3)]),
        **changes,
    }


def write(path: Path, content: Any) -> str:
    """Write JSON; returns the path."""
    path.write_text(json.dumps(content), encoding='utf-8')
    return str(path)


def packed(
    *statements: str, seed: int = 0, frames: int = 8, lines: Any = None, dim: int = 8, duration: float = 16.0
) -> Dict[str, Any]:
    """A packed clip of four lines and statements of the synthetic set, true and false in turns."""
    rng = np.random.default_rng(seed)
    lines = ['i want coffee', 'i want money', 'i want music', 'i want peace'] if lines is None else lines
    texts = encode_clip(HashSentenceEncoder(dim), lines, statements)
    count = len(lines)
    edges = np.linspace(0, duration, count + 1) if count else np.zeros(1)
    results: Dict[str, Any] = dict(
        video_id=f'clip{seed}',
        duration=duration,
        subtitles=lines,
        line_times=np.stack([edges[:-1] + 0.5, edges[1:] - 0.5], axis=1),
        statements=list(statements),
        graphs=[template_graph(clean_statement(text).split()) for text in statements],
        polarities=[number % 2 for number in range(len(statements))],
        pair_indices=[number // 2 for number in range(len(statements))],
        groups=[{} for _ in statements],
        gt_label=[1 - number % 2 for number in range(len(statements))],
        features=dict(video=rng.standard_normal((frames, dim)).astype(np.float32)),
        sub=texts['sub'].astype(np.float32),
        sub_line=texts['sub_line'],
        stm=[texts[f'stm_{number}'].astype(np.float32) for number in range(len(statements))],
        stm_spans=[texts[f'span_{number}'] for number in range(len(statements))],
    )
    for transform in (AlignSegments(), LoadStatementGraph(), PackInferenceInputs()):
        results = transform(results)
    return results


def batch(*items: Dict[str, Any]) -> Dict[str, Any]:
    """Clips collated."""
    return pseudo_collate(list(items))


def two_clips(**options: Any) -> Dict[str, Any]:
    """A batch of two clips with one pair each, of one and of two events."""
    return batch(
        packed('man opens saying coffee', 'man opens saying money', seed=1, **options),
        packed('man opens before girl lifts', 'man opens after girl lifts', seed=2, **options),
    )


def resized_clips(text: int, video: int) -> Dict[str, Any]:
    """:func:`two_clips` with features of other widths."""
    content = two_clips()
    inputs = content['inputs']
    widen = lambda values, width: [torch.randn(len(each), width) for each in values]  # noqa: E731
    inputs.update(video=widen(inputs['video'], video), sub=widen(inputs['sub'], text))
    for part in inputs['statements']:
        part['tokens'] = widen(part['tokens'], text)
    return content


def small_model(**changes: Any) -> Dict[str, Any]:
    """Config of a model of width 16, with all losses, for :func:`packed` clips; keys of parts can be changed.

    ``small_model(local_graph=dict(layers=0))`` changes a key of a part.
    """
    parts: Dict[str, Any] = dict(
        statement_encoder=dict(type='StatementGraphEncoder', heads=2, dropout=0.0),
        premise_encoder=dict(type='PremiseEncoder', video_channels=8, input_dropout=0.0),
        local_graph=dict(type='LocalInteractionGraph', heads=2, dropout=0.0),
        segment_graph=dict(type='SegmentRelationGraph', heads=2, dropout=0.0),
        statement_graph=dict(type='StatementReasoningGraph', heads=2, dropout=0.0),
        head=dict(type='EntailmentHead', loss_cls=dict(type='mmdet.CrossEntropyLoss', use_sigmoid=True)),
        coherence=dict(
            local=dict(type='SegmentAlignmentLoss', embed_channels=8, temperature=0.1, gather=True, loss_weight=0.1),
            segment=dict(type='ReplacedSegmentLoss'),
            glob=dict(type='PairCoherenceLoss'),
        ),
    )
    for name, change in changes.items():
        if isinstance(change, dict) and name in parts:
            parts[name] = {**parts[name], **change}
        else:
            parts[name] = change
    model = dict(type='VideoLanguageInference', text_channels=8, dim=16, input_dropout=0.0)
    return {**model, **parts}


def seeded(cfg: Dict[str, Any], seed: int = 0) -> Any:
    """A part built with known weights."""
    from vlplugins.registry import MODELS

    torch.manual_seed(seed)
    return MODELS.build(cfg)
