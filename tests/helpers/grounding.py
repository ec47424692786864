"""What the tests of temporal grounding share: where the released files are, a small set, a packed batch."""

import json
from pathlib import Path

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import MODELS

from vlplugins.structures import SentenceGraph, TemporalDataSample

REAL = Path(__file__).resolve().parents[2].parent / 'shared' / 'data'
REAL_CHARADES, REAL_ACTIVITYNET = REAL / 'Charades-CG', REAL / 'ActivityNet_CG'


def graph(verb='opens', noun='door', with_adjective=False):
    """Of "person VERB the (red) NOUN ."."""
    tokens = ['person', verb, 'the', *(['red'] if with_adjective else []), noun, '.']
    last = len(tokens) - 2
    atoms = [0, 3, last] if with_adjective else [0, last]
    edges = [('event', 0, 'action', 0, 'EVT'), ('action', 0, 'atom', 0, 'ARG0')]
    edges += [('action', 0, 'atom', len(atoms) - 1, 'ARG1')]
    edges += [('atom', 2, 'atom', 1, 'MOD')] if with_adjective else []
    pos = ['NOUN', 'VERB', 'DET', *(['ADJ'] if with_adjective else []), 'NOUN', 'PUNCT']
    return SentenceGraph(tokens, tokens, pos, [[1]], atoms, edges)


def packed(seed, length=8, width=6, num_words=12, sentence_graph=None, segment=(2.0, 6.0), duration=10.0, objects=None):
    """One sample as :class:`PackGroundingInputs` makes it."""
    rng = np.random.default_rng(seed)
    found = sentence_graph or graph()
    query = {key: torch.from_numpy(value) for key, value in found.to_arrays()._asdict().items()}
    query['tokens'] = torch.from_numpy(rng.integers(2, num_words, len(found.tokens)))
    inputs = dict(video=torch.from_numpy(rng.standard_normal((length, width)).astype(np.float32)), query=query)
    if objects is not None:
        inputs['objects'] = torch.from_numpy(rng.standard_normal(objects).astype(np.float32))
    sample = TemporalDataSample(metainfo=dict(video_id=f'v{seed}', duration=duration, split='train', novel={}))
    if segment is not None:
        sample.gt_intervals = torch.tensor([segment])
    return dict(inputs=inputs, data_samples=sample)


def batch(*samples):
    """Samples collated."""
    return pseudo_collate(list(samples))


def annotations(**changes):
    """Content of a small annotation file; ``changes`` replace keys of its second video."""
    second = dict(sentences=[' A dog runs.', 'a cat sits.'], timestamps=[[0, 4], [3.5, 9.0]], duration=10, **changes)
    return {'v1': dict(sentences=['person opens the door.'], timestamps=[[1.5, 6.0]], duration=20.0), 'v2': second}


def write(path, content):
    """Write JSON; returns the path as a string."""
    Path(path).write_text(json.dumps(content))
    return str(path)


def small_grounder(**changes):
    """A model for samples of :func:`packed`: 8 positions of 6 numbers become 4, ids of 12 words.

    ``changes`` are arguments of the model; those of its parts are added to what is here.
    """
    defaults = dict(
        query_encoder=dict(type='QueryGraphEncoder', vocab_size=12, word_channels=10, dim=16, heads=2),
        video_encoder=dict(
            type='VideoGraphEncoder', in_channels=6, dim=16, num_positions=8, num_coarse=4, num_slots=2, heads=2
        ),
        neck=dict(type='VariationalCrossGraphCorrespondence', dim=16, match_dim=8),
        head=dict(type='ProposalMapHead', dim=16, conv_layers=2, kernel=3),
    )
    cfg = dict(type='TemporalGrounder', **changes)
    for name, part in defaults.items():
        cfg[name] = {**part, **changes.get(name, {})}
    return MODELS.build(cfg)


def wake(model):
    """Give the last layers of prior and posterior, which start at zero, random weights."""
    for matching in model.neck.matching.values():
        for net in (matching.prior_net, matching.posterior_net):
            if net is not None:
                torch.nn.init.normal_(net[-1].weight)
    return model


def prepared(model, *samples):
    """A batch as the model takes it."""
    return model.data_preprocessor(batch(*samples), True)
