"""A bidirectional LSTM over sequences of different lengths."""

import torch
from torch import Tensor, nn


class MaskedBiLSTM(nn.Module):
    """One layer in both directions, ``[B, N, in] -> [B, N, channels]``, as over packed sequences.

    Sequences are turned by an index instead of being packed, for which their lengths would have to come to the host.
    Input weights are Xavier-uniform, recurrent ones orthogonal; the biases are 0, that of the forget gate 1.

    Args:
        in_channels: Width of the input.
        channels: Width of the output, half for each direction.

    Raises:
        ValueError: an odd number of channels.
    """

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        if channels % 2:
            raise ValueError(f'channels {channels} cannot be divided between two directions')
        self.onward = nn.LSTM(in_channels, channels // 2, batch_first=True)
        self.backward_ = nn.LSTM(in_channels, channels // 2, batch_first=True)
        for lstm in (self.onward, self.backward_):
            nn.init.xavier_uniform_(lstm.weight_ih_l0)
            nn.init.orthogonal_(lstm.weight_hh_l0)
            nn.init.zeros_(lstm.bias_hh_l0)
            with torch.no_grad():
                lstm.bias_ih_l0.zero_()
                lstm.bias_ih_l0[channels // 2 : channels].fill_(1)

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """States of both directions, zero from the length of each sequence on.

        Args:
            features: ``[B, N, in]``.
            lengths: ``[B]`` integers, 1 to N.
        """
        places = torch.arange(features.size(1), device=features.device)
        mask = places < lengths[:, None]
        turned = torch.where(mask, lengths[:, None] - 1 - places, places)
        reversed_ = features.gather(1, turned[..., None].expand_as(features))
        back = self._run(self.backward_, reversed_)
        back = back.gather(1, turned[..., None].expand_as(back))
        return torch.cat([self._run(self.onward, features), back], dim=-1) * mask[..., None]

    @staticmethod
    def _run(lstm: nn.LSTM, features: Tensor) -> Tensor:
        """States of one direction; under autocast on a CPU in single precision, as not every CPU can do it in half."""
        if features.device.type == 'cpu' and torch.is_autocast_enabled('cpu'):
            with torch.autocast('cpu', enabled=False):
                return lstm(features.float())[0]
        return lstm(features)[0]
