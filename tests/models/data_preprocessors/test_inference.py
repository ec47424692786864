import pytest
import torch

from tests.helpers.violin import batch, packed
from vlplugins.models.data_preprocessors import InferenceDataPreprocessor
from vlplugins.models.data_preprocessors.inference import pad_statements
from vlplugins.structures.statement_graph import NUM_STATEMENT_ROLES

SHORT, LONG = 'man opens', 'man opens saying coffee before girl lifts'


def prepare(*items):
    return InferenceDataPreprocessor()(batch(*items))


def test_clips_are_padded_to_the_largest():
    small = packed(SHORT, seed=1, frames=4, lines=['i want', 'no'])
    large = packed(LONG, seed=2, lines=['i want coffee', 'no', 'yes it is so'])
    inputs = prepare(small, large)['inputs']
    assert inputs['segment_mask'].tolist() == [[True, True, False], [True] * 3]
    assert inputs['video_mask'].sum(dim=1).tolist() == [4, 8] and inputs['sub_mask'].sum(dim=1).tolist() == [3, 8]
    assert (inputs['video'][0, 4:] == 0).all() and torch.equal(inputs['video'][0, :4], small['inputs']['video'])
    for name, width in (('frame', 3), ('word', 4)):
        index, mask = inputs[f'{name}_index'], inputs[f'{name}_mask']
        assert index.shape == mask.shape == (2, 3, width) and (index >= 0).all()
        for clip, item in enumerate((small, large)):
            own = item['inputs'][f'{name}_index']
            assert mask[clip].sum() == (own >= 0).sum() and torch.equal(index[clip][mask[clip]], own[own >= 0])


def test_statements_lie_clip_by_clip_and_tell_whether_they_are_pairs():
    inputs = prepare(packed(SHORT, LONG, seed=1), packed(LONG, SHORT, seed=2))['inputs']
    assert inputs['statements']['token_mask'].sum(dim=1).tolist() == [2, 7, 7, 2]
    assert inputs['num_statements'] == 2 and inputs['is_paired']
    assert not prepare(packed(SHORT))['inputs']['is_paired']
    assert len(set(inputs['clip_ids'].tolist())) == 2
    same = prepare(packed(SHORT, seed=1), packed(LONG, seed=1))['inputs']['clip_ids']
    assert same[0] == same[1]
    nameless = [packed(SHORT), packed(SHORT)]
    for item in nameless:
        item['data_samples'].pop('video_id')
    assert len(set(prepare(*nameless)['inputs']['clip_ids'].tolist())) == 2


def test_graphs_of_other_sizes_keep_their_edges():
    """In a batch the atoms come behind the events of the largest graph."""
    (one,), (two,) = (packed(text)['inputs']['statements'] for text in (SHORT, LONG))
    found = pad_statements([one, two])
    assert found['node_mask'].tolist() == [[True, True, False, True, False, False], [True] * 6]
    assert found['event_rows'].tolist() == [[0, 0], [1, 0], [1, 1]]
    for row, (each, events) in enumerate(((one, 1), (two, 2))):
        expected = torch.zeros(NUM_STATEMENT_ROLES, 6, 6, dtype=torch.bool)
        for source, target, role in each['edges'].tolist():
            ends = [end if end <= events else end - events + 2 for end in (source, target)]
            expected[role, ends[0], ends[1]] = True
        assert torch.equal(found['roles'][row], expected)
        for name in ('event_spans', 'event_words', 'atom_spans'):
            size, length = each[name].shape
            assert torch.equal(found[name][row, :size, :length], each[name])
            assert found[name][row].sum() == each[name].sum()


def test_what_cannot_be_a_batch_is_told():
    statement = packed(SHORT)['inputs']['statements'][0]
    with pytest.raises(ValueError, match='no tokens'):
        pad_statements([dict(statement, tokens=torch.zeros(0, 8))])


def test_statements_without_atoms_have_room_for_one():
    (one,) = packed(SHORT)['inputs']['statements']
    count = len(one['event_spans'])
    edges = one['edges'][(one['edges'][:, :2] <= count).all(dim=1)]
    bare = dict(one, atom_spans=one['atom_spans'][:0], edges=edges)
    found = pad_statements([bare, bare])
    assert found['node_mask'].tolist() == [[True] * (1 + count) + [False]] * 2
    assert found['atom_spans'].shape == (2, 1, len(one['tokens'])) and not found['atom_spans'].any()


def test_samples_are_copied_for_predictions_alone():
    """In training there is nothing to put into them, and copying what they know of a clip would take longer."""
    data = batch(packed(SHORT))
    (sample,) = data['data_samples']
    preprocessor = InferenceDataPreprocessor()
    assert preprocessor(data, training=True)['data_samples'][0] is sample
    (copied,) = preprocessor(data)['data_samples']
    assert copied is not sample and torch.equal(copied.gt_label, sample.gt_label)
