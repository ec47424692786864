"""Small annotations of Temporal Emotion Localization, and models and batches for them."""

import json
from pathlib import Path
from typing import Any, Dict

import torch

from vlplugins.structures import TemporalDataSample

REAL = Path(__file__).resolve().parents[2].parent / 'shared/data/TEL'
STAMPS = [f'00:00:{2 * line:02d}.000-->00:00:{2 * line + 1:02d}.500' for line in range(4)]


def train_content(**changes: Any) -> Dict[str, Any]:
    """Content of a training file with one film and one clip, whose keys can be changed."""
    entry = dict(emo={'aversion ': 2, 'confident': 1}, time=list(STAMPS), dialog=['Hi. ', '<i>No!</i>', '', '- Go.'])
    return {'tt01': {'scene-001.ss-0001.es-0002': {**entry, **changes}}}


def boundary_content(**changes: Any) -> Dict[str, Any]:
    """The same of a test file."""
    lines = [3, 1]
    emotion = dict(time=[STAMPS[line] for line in lines], dialog=['- Go.', '<i>No!</i>'], segment=lines)
    entry = dict(emo={'aversion ': emotion}, dialog_name=list(STAMPS), dialog=['Hi. ', '<i>No!</i>', '', '- Go.'])
    return {'tt02': {'scene-001.ss-0001.es-0002': {**entry, **changes}}}


def write(path: Path, content: Any) -> str:
    """Write JSON; returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding='utf-8')
    return str(path)


def small_model(**changes: Any) -> Dict[str, Any]:
    """Config of a model of two branches with 16 channels and 3 classes, with all losses but those of segments."""
    branch = dict(type='DilatedContextIntegratedBranch', in_channels=6, channels=16)
    model = dict(
        type='WeaklySupervisedTemporalLocalizer',
        branches=dict(video=dict(branch), text=dict(branch, in_channels=5)),
        head=dict(type='EmotionActivationHead', num_classes=3),
        consensus_loss=dict(type='TemporalConsensusLoss'),
        pseudo_loss=dict(type='ConsensusPseudoLabelLoss'),
        align_loss=dict(type='SegmentAlignmentLoss', embed_channels=8),
    )
    model.update(changes)
    return model


def clip(length: int, seed: int = 0, num_classes: int = 3, **widths: int) -> Dict[str, Any]:
    """A packed clip; every class is in it, at random lines."""
    generator = torch.Generator().manual_seed(seed)
    times = torch.arange(2 * length, dtype=torch.float).view(length, 2)
    inputs: Dict[str, Any] = dict(times=times, present={})
    for name, width in (widths or dict(video=6, text=5)).items():
        inputs[name] = torch.randn(length, width, generator=generator)
        inputs['present'][name] = torch.tensor(True)
    segments = torch.rand(length, num_classes, generator=generator) < 0.4
    segments[0] = True
    sample = TemporalDataSample(metainfo=dict(video_id=f'clip{seed}', subtitles=['word'] * length))
    sample.set_data(
        dict(
            times=times.clone(),
            gt_labels=torch.ones(num_classes),
            gt_label_counts=torch.ones(num_classes, dtype=torch.long),
            gt_segments=segments,
        )
    )
    return dict(inputs=inputs, data_samples=sample)
