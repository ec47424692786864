"""Batches of clips with statements about them."""

import zlib
from typing import Any, Dict, List, Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseDataPreprocessor
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from vlplugins.registry import MODELS
from vlplugins.structures.statement_graph import NUM_STATEMENT_ROLES


@MODELS.register_module()
class InferenceDataPreprocessor(BaseDataPreprocessor):
    """Pads clips, their segments and their statements to the largest of the batch, and makes the masks.

    Args:
        non_blocking: Copy to the device asynchronously (from pinned memory).

    Raises:
        ValueError: (in ``forward``) a statement without tokens. Clips with different numbers of statements do not come
            so far: collating refuses them.
    """

    def __init__(self, non_blocking: bool = True) -> None:
        super().__init__(non_blocking)

    def forward(self, data: Dict[str, Any], training: bool = False) -> Dict[str, Any]:
        """Prepare a collated batch of B clips with S statements each.

        Args:
            data: ``inputs``, lists of B tensors as :class:`PackInferenceInputs` makes them, ``statements`` a list of S
                dicts of such lists; ``data_samples``, B samples.
            training: Whether it is a step of training.

        Returns:
            ``inputs``: ``video [B, T, D_v]`` and ``sub [B, L, D_w]``, with ``video_mask`` and ``sub_mask``;
            ``frame_index [B, K, F]``, ``frame_mask``,
            ``word_index [B, K, W]``, ``word_mask``; ``segment_mask [B, K]``, ``segment_times [B, K, 2]``,
            ``segment_text [B, K]``; ``duration [B]``; ``clip_ids [B]``; ``statements``, what :func:`pad_statements`
            gives of the B * S statements, those of a clip side by side; ``num_statements`` S, and ``is_paired``,
            whether they are true and false in turns. ``data_samples``: in training as they come, since their labels are
            stacked before they move; otherwise copies on the device, for predictions.
        """
        found, samples = data['inputs'], data.get('data_samples')
        inputs: Dict[str, Any] = {}
        for name in ('video', 'sub'):
            if name in found:
                sizes = torch.tensor([len(each) for each in found[name]])
                padded = pad_sequence(list(found[name]), batch_first=True).float()
                # A row to point at, where nobody speaks in any clip.
                inputs[name] = padded if padded.size(1) else padded.new_zeros(len(sizes), 1, padded.size(2))
                inputs[f'{name}_mask'] = torch.arange(inputs[name].size(1)) < sizes[:, None]
        counts = torch.tensor([len(each) for each in found['segment_times']])
        inputs['segment_mask'] = torch.arange(int(counts.max())) < counts[:, None]
        for name in ('segment_times', 'segment_text'):
            inputs[name] = pad_sequence(list(found[name]), batch_first=True)
        for name in ('frame', 'word'):
            index = _pad_tables(found[f'{name}_index'], fill=-1)
            inputs[f'{name}_index'], inputs[f'{name}_mask'] = index.clamp(min=0), index >= 0
        inputs['duration'] = torch.stack([torch.as_tensor(each) for each in found['duration']])
        names = [str(each.get('video_id', row)) for row, each in enumerate(samples or ())]
        inputs['clip_ids'] = torch.tensor([zlib.crc32(name.encode()) for name in names], dtype=torch.int64)
        inputs['statements'] = pad_statements(_by_clip(found['statements']))
        inputs = self.cast_data(inputs)
        inputs['num_statements'] = len(found['statements'])
        inputs['is_paired'] = bool(samples) and all(_is_paired(each) for each in samples)
        return dict(inputs=inputs, data_samples=samples if training else self.cast_data(samples))


def _is_paired(sample: Any) -> bool:
    labels = sample.gt_label.tolist() if 'gt_label' in sample else []
    return bool(labels) and labels == [1, 0] * (len(labels) // 2)


def _by_clip(statements: Sequence[Dict[str, Sequence[Tensor]]]) -> List[Dict[str, Tensor]]:
    """From a dict of lists for each number of a statement to a dict for each statement, clip by clip."""
    size = len(statements[0]['tokens'])
    return [{name: values[clip] for name, values in part.items()} for clip in range(size) for part in statements]


def _pad_tables(parts: Sequence[Tensor], fill: float = 0) -> Tensor:
    """Tables ``[r_i, c_i]`` in the corners of ``[N, max r, max c]``; ``fill`` elsewhere."""
    sizes = torch.tensor([part.shape for part in parts])
    rows, columns = sizes.amax(dim=0).tolist()
    is_part = (torch.arange(rows) < sizes[:, :1])[:, :, None] & (torch.arange(columns) < sizes[:, 1:])[:, None]
    padded = parts[0].new_full(is_part.shape, fill)
    # Both sides go clip by clip and row by row.
    padded[is_part] = torch.cat([part.flatten() for part in parts])
    return padded


def pad_statements(statements: Sequence[Dict[str, Tensor]]) -> Dict[str, Tensor]:
    """Padded tensors of N statements.

    Args:
        statements: ``tokens [L, D]`` and, if there are graphs, the arrays of :class:`StatementArrays`.

    Returns:
        ``tokens [N, L, D]``, ``token_mask [N, L]``; with graphs of up to M events and A atoms also ``event_spans`` and
        ``event_words [N, M, L]``, ``atom_spans [N, A, L]``, ``negated [N, M]``, ``node_mask [N, 1 + M + A]``, ``roles``
        booleans ``[N, 46, 1 + M + A, 1 + M + A]``, and ``event_rows [R, 2]``, statement and number of each real event.

    Raises:
        ValueError: a statement without tokens.
    """
    lengths = torch.tensor([len(each['tokens']) for each in statements])
    if lengths.min() < 1:
        raise ValueError('a statement of the batch has no tokens')
    padded = dict(
        tokens=pad_sequence([each['tokens'] for each in statements], batch_first=True).float(),
        token_mask=torch.arange(int(lengths.max())) < lengths[:, None],
    )
    if 'edges' not in statements[0]:
        return padded
    events, atoms = (torch.tensor([len(each[name]) for each in statements]) for name in ('event_spans', 'atom_spans'))
    most_events, most_atoms = int(events.max()), max(int(atoms.max()), 1)
    event_mask, atom_mask = torch.arange(most_events) < events[:, None], torch.arange(most_atoms) < atoms[:, None]
    shapes = dict(event_spans=most_events, event_words=most_events, atom_spans=most_atoms)
    for name, count in shapes.items():
        table = _pad_tables([each[name].float() for each in statements])
        padded[name] = F.pad(table, (0, int(lengths.max()) - table.size(2), 0, count - table.size(1)))
    padded['negated'] = pad_sequence([each['negated'] for each in statements], batch_first=True)
    node_mask = torch.cat([torch.ones(len(statements), 1, dtype=torch.bool), event_mask, atom_mask], dim=1)
    edges = [each['edges'] for each in statements]
    padded.update(node_mask=node_mask, roles=_roles(edges, events, most_events, node_mask.size(1)))
    padded['event_rows'] = event_mask.nonzero()
    return padded


def _roles(edges: Sequence[Tensor], events: Tensor, most_events: int, size: int) -> Tensor:
    owner = torch.arange(len(edges)).repeat_interleave(torch.tensor([len(each) for each in edges]))
    joined = torch.cat(list(edges))
    ends, role = joined[:, :2], joined[:, 2]
    # Atoms come after the events of the largest graph.
    own = events[owner][:, None]
    source, target = torch.where(ends > own, ends + most_events - own, ends).unbind(dim=1)
    roles = torch.zeros(len(edges), NUM_STATEMENT_ROLES, size, size, dtype=torch.bool)
    roles[owner, role, source, target] = True
    return roles
