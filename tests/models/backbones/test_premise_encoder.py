import pytest
import torch
import torch.nn.functional as F

from tests.helpers.violin import batch, packed
from vlplugins.models.backbones import PremiseEncoder
from vlplugins.models.data_preprocessors import InferenceDataPreprocessor


@pytest.fixture
def inputs():
    clips = packed('man opens', seed=1, frames=3, lines=['i want', 'no']), packed('man opens', seed=2)
    return InferenceDataPreprocessor()(batch(*clips))['inputs']


@torch.no_grad()
def test_frames_and_words_lie_in_their_segments(inputs):
    encoder = PremiseEncoder(8, 6, input_dropout=0.0).eval()
    words = torch.randn(2, inputs['sub'].size(1), 6)
    found = encoder(inputs, words)
    _, linear, _, norm = encoder.video_proj
    for states, name, kind in ((found.frames, 'frame', 0), (found.words, 'word', 1)):
        index, mask = inputs[f'{name}_index'], inputs[f'{name}_mask']
        for place in torch.cartesian_prod(*map(torch.arange, index.shape)).tolist():
            clip, row = place[0], int(index[tuple(place)])
            own = norm(F.gelu(linear(inputs['video'][clip, row]))) if kind == 0 else words[clip, row]
            expected = own + encoder.kinds[kind] if mask[tuple(place)] else torch.zeros(6)
            torch.testing.assert_close(states[tuple(place)], expected)
    assert torch.equal(found.mask, inputs['segment_mask']) and found.has_video is found.has_text is found.mask
    torch.testing.assert_close(found.times[1, 1], torch.tensor([4.5, 7.5]) / 16)


@torch.no_grad()
@pytest.mark.parametrize('modality, other', [('video', 'text'), ('subtitle', 'video')])
def test_a_modality_that_is_left_out_has_no_node(modality, other, inputs):
    encoder = PremiseEncoder(8, 6, modalities=(modality,))
    found = encoder(inputs, torch.randn(2, inputs['sub'].size(1), 6))
    states, mask = dict(text=(found.words, found.word_mask), video=(found.frames, found.frame_mask))[other]
    assert not states.any() and not mask.any() and not getattr(found, f'has_{other}').any()
