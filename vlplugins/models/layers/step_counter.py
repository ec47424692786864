"""A number of steps that travels with the weights."""

import torch
from torch import Tensor, nn


class StepCounter(nn.Module):
    """Counts steps on the host, so that reading the count waits for no device; it is saved with the state of a model.

    Attributes:
        value: Steps so far.
    """

    def __init__(self) -> None:
        super().__init__()
        self.value = 0

    def get_extra_state(self) -> Tensor:
        """The count, for the state dict."""
        return torch.tensor(self.value)

    def set_extra_state(self, state: Tensor) -> None:
        """Restore the count of a state dict."""
        self.value = int(state)
