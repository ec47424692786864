import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from vlplugins.models.layers.masked_lstm import MaskedBiLSTM


@torch.no_grad()
def test_equals_a_packed_bidirectional_lstm():
    ours = MaskedBiLSTM(5, 8)
    theirs = nn.LSTM(5, 4, batch_first=True, bidirectional=True)
    for name in ('weight_ih_l0', 'weight_hh_l0', 'bias_ih_l0', 'bias_hh_l0'):
        getattr(theirs, name).copy_(getattr(ours.onward, name))
        getattr(theirs, f'{name}_reverse').copy_(getattr(ours.backward_, name))
    features, lengths = torch.randn(3, 6, 5), torch.tensor([2, 6, 4])
    packed = pack_padded_sequence(features, lengths, batch_first=True, enforce_sorted=False)
    expected = pad_packed_sequence(theirs(packed)[0], batch_first=True)[0]
    assert torch.allclose(ours(features, lengths), expected, atol=1e-6)


def test_initial_biases():
    bias = MaskedBiLSTM(5, 8).onward.bias_ih_l0
    assert bias[4:8].tolist() == [1] * 4 and bias.sum() == 4
