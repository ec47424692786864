"""Batches of features of videos with graphs of queries."""

from typing import Any, Dict, List, Optional

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from vlplugins.models.data_preprocessors.feature_sequence import FeatureSequencePreprocessor
from vlplugins.registry import MODELS
from vlplugins.structures.sentence_graph import NUM_ROLES, ROLES, SELF_ROLE


@MODELS.register_module()
class GroundingDataPreprocessor(FeatureSequencePreprocessor):
    """Pads features and graphs to the largest of the batch, and makes their masks.

    Nodes of a batch are numbered 0 for the event, 1 .. A for actions and A + 1 .. A + O for atoms, where A and O are
    the most of the batch, at least 1.

    Args:
        num_positions: L, the length that every video must have: a model with a map of segments has no mask of
            positions. Any by default.
        kwargs: Arguments of :class:`FeatureSequencePreprocessor`.

    Raises:
        ValueError: (in ``forward``) a video of another length.
    """

    def __init__(self, num_positions: Optional[int] = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_positions = num_positions

    def forward(self, data: Dict[str, Any], training: bool = False) -> Dict[str, Any]:
        """Prepare a collated batch of B queries.

        Args:
            data: ``inputs``, with lists of B tensors: ``video [L, D]``, ``objects [P, K, D]`` if any, and ``query``, a
                dict of lists (see :class:`PackGroundingInputs`); ``data_samples``, B samples.
            training: Not used; the preparation is the same in training.

        Returns:
            ``inputs``: ``video [B, L, D]``, ``video_mask [B, L]``, ``objects [B, P, K, D]`` or ``None``, and what
            :func:`pad_queries` gives; ``data_samples`` on the device.
        """
        found = dict(data['inputs'])
        query, objects = found.pop('query'), found.pop('objects', None)
        lengths = {len(each) for each in found['video']}
        if self.num_positions is not None and lengths != {self.num_positions}:
            found_lengths = f'videos of {sorted(lengths)} positions'
            raise ValueError(
                f'{found_lengths}; expected num_positions={self.num_positions} (ResampleFeatures gives them)'
            )
        batch = super().forward(dict(inputs=found, data_samples=data.get('data_samples')), training)
        inputs = batch['inputs']
        inputs['video_mask'] = inputs.pop('mask')
        inputs.pop('present')
        inputs['objects'] = None if objects is None else torch.stack(list(objects)).to(self.device).float()
        padded = pad_queries(query)
        inputs.update({name: each.to(self.device, non_blocking=self._non_blocking) for name, each in padded.items()})
        return batch


def pad_queries(query: Dict[str, List[Tensor]]) -> Dict[str, Tensor]:
    """Padded tensors of B queries.

    Returns:
        ``tokens`` int64 ``[B, N]``; ``token_lengths`` int64 ``[B]``; ``action_spans`` ``[B, A, N]``, rows sum to 1;
        ``atom_index`` int64 ``[B, O]``; ``node_mask`` booleans ``[B, 1 + A + O]``; ``roles`` booleans
        ``[B, 33, 1 + A + O, 1 + A + O]``, with inverse edges and those of nodes to themselves; ``parents``
        ``[B, O, A]``; ``guide_mask`` booleans ``[B, A + O]``.

    Raises:
        ValueError: a query without tokens.
    """
    lengths = torch.tensor([len(each) for each in query['tokens']])
    if lengths.min() < 1:
        raise ValueError('a query of the batch has no tokens')
    actions = torch.tensor([len(each) for each in query['action_spans']])
    atoms = torch.tensor([len(each) for each in query['atom_index']])
    size, num_actions, num_atoms = len(lengths), max(int(actions.max()), 1), max(int(atoms.max()), 1)
    action_mask = torch.arange(num_actions) < actions[:, None]
    atom_mask = torch.arange(num_atoms) < atoms[:, None]
    node_mask = torch.cat([torch.ones(size, 1, dtype=torch.bool), action_mask, atom_mask], dim=1)
    parts = [(guide[:count], guide[count:]) for guide, count in zip(query['guide'], actions)]
    guides = [_pad([part[k] for part in parts], (n,)) for k, n in enumerate((num_actions, num_atoms))]
    return dict(
        tokens=pad_sequence(list(query['tokens']), batch_first=True),
        token_lengths=lengths,
        action_spans=_pad(query['action_spans'], (num_actions, int(lengths.max()))),
        atom_index=_pad(query['atom_index'], (num_atoms,)),
        node_mask=node_mask,
        roles=_roles(query['edges'], actions, num_actions, node_mask),
        parents=_pad(query['parents'], (num_atoms, num_actions)),
        guide_mask=torch.cat(guides, dim=1),
    )


def _pad(parts: List[Tensor], shape: tuple) -> Tensor:
    """Stack tensors in the corner of zeros of a shape."""
    padded = parts[0].new_zeros((len(parts), *shape))
    for row, part in zip(padded, parts):
        row[tuple(slice(length) for length in part.shape)] = part
    return padded


def _roles(edges: List[Tensor], actions: Tensor, num_actions: int, node_mask: Tensor) -> Tensor:
    counts = torch.tensor([len(each) for each in edges])
    sample = torch.arange(len(edges)).repeat_interleave(counts)
    joined = torch.cat(list(edges))
    ends, role = joined[:, :2], joined[:, 2]
    # Atoms come after the actions of the largest graph.
    own = actions[sample][:, None]
    source, target = torch.where(ends > own, ends + num_actions - own, ends).unbind(dim=1)
    size = node_mask.size(1)
    roles = torch.zeros(len(edges), NUM_ROLES, size, size, dtype=torch.bool)
    roles[sample, role, source, target] = True
    roles[sample, role + len(ROLES), target, source] = True
    roles[:, SELF_ROLE] = torch.diag_embed(node_mask)
    return roles
