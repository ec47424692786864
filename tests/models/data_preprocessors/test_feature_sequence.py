import pytest
import torch
from mmengine.dataset import pseudo_collate

from tests.helpers.tel import clip
from vlplugins.models.data_preprocessors import FeatureSequencePreprocessor


def test_sequences_are_padded_and_masked():
    items = [clip(3), clip(5, seed=1)]
    items[1]['inputs']['present']['video'] = torch.tensor(False)
    found = FeatureSequencePreprocessor(pad_value=-1.0)(pseudo_collate(items))
    inputs = found['inputs']
    assert inputs['mask'].tolist() == [[True] * 3 + [False] * 2, [True] * 5]
    assert inputs['video'].shape == (2, 5, 6) and inputs['times'].shape == (2, 5, 2)
    assert (inputs['video'][0, 3:] == -1).all() and torch.equal(inputs['video'][1], items[1]['inputs']['video'])
    assert inputs['present']['video'].tolist() == [True, False] and len(found['data_samples']) == 2


def test_what_does_not_fit_is_told():
    with pytest.raises(ValueError, match=r'clips have \[3, 5\] segments; expected 1 to 4'):
        FeatureSequencePreprocessor(max_lines=4)(pseudo_collate([clip(3), clip(5)]))
    one, two = clip(3), clip(3)
    two['inputs']['video'] = torch.zeros(3, 7)
    with pytest.raises(ValueError, match=r'video of one batch has several widths: \[\(6,\), \(7,\)\]'):
        FeatureSequencePreprocessor()(pseudo_collate([one, two]))
    two['inputs']['video'] = torch.zeros(2, 6)
    with pytest.raises(ValueError, match=r'video has the lengths \[3, 2\], times \[3, 3\]'):
        FeatureSequencePreprocessor()(pseudo_collate([one, two]))
