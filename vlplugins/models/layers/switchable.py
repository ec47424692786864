"""Layers with an independent member per width: switchable batch normalisation and switchable linear layer."""

from typing import Optional, Sequence, Tuple

import torch
from torch import Tensor, nn

from vlplugins.models.layers.sync_batch_norm import SyncBatchNorm
from vlplugins.models.layers.widths import Channels, WidthModule, channel_ranges, scale_channels
from vlplugins.registry import MODELS


class _SwitchableModule(WidthModule):
    """One member per width in a ``ModuleList``; a checkpoint remembers the order of its widths.

    Loading accepts a checkpoint made with the same widths in another order, and one of the ordinary layer, whose
    tensors are copied into every member, cut to its channels.

    Raises:
        ValueError: (while loading) the checkpoint holds another set of widths; both are listed.
    """

    # Name of the ModuleList, part of the checkpoint keys.
    members_name: str

    def __init__(self, widths: Sequence[float]) -> None:
        super().__init__(widths)
        self.register_buffer('width_order', torch.tensor(self.widths))

    @property
    def members(self) -> nn.ModuleList:
        """The members, in the order of ``widths``."""
        return getattr(self, self.members_name)

    def forward(self, inputs: Tensor, width: Optional[float] = None) -> Tensor:
        """Run the member of the width on ``inputs [N, c(width), ...]``."""
        return self.members[self.width_index(width)](inputs)

    def parameters_at(self, width: Optional[float] = None) -> int:
        """Size of the member of the width."""
        return sum(parameter.numel() for parameter in self.members[self.width_index(width)].parameters())

    def _cut_ordinary(self, name: str, tensor: Tensor, index: int) -> Tensor:
        raise NotImplementedError

    def _load_from_state_dict(self, state_dict, prefix, *args, **kwargs) -> None:
        members_prefix = f'{prefix}{self.members_name}.'
        keys = [key for key in state_dict if key.startswith(prefix)]
        ordinary = [key for key in keys if '.' not in key[len(prefix) :] and key != f'{prefix}width_order']
        if ordinary and not any(key.startswith(members_prefix) for key in keys):
            for key in ordinary:
                tensor, name = state_dict.pop(key), key[len(prefix) :]
                for index in range(len(self.widths)):
                    state_dict[f'{members_prefix}{index}.{name}'] = self._cut_ordinary(name, tensor, index)
        elif any(key.startswith(members_prefix) for key in keys):
            self._reorder_members(state_dict, prefix, members_prefix)
        if keys:
            state_dict[f'{prefix}width_order'] = self.width_order.clone()
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)

    def _reorder_members(self, state_dict: dict, prefix: str, members_prefix: str) -> None:
        found = {key: key[len(members_prefix) :].split('.', 1) for key in state_dict if key.startswith(members_prefix)}
        count = 1 + max(int(index) for index, _ in found.values())
        order = state_dict.get(f'{prefix}width_order')
        # Checkpoints of the original code name no widths; they are in descending order.
        saved = self.widths[:count] if order is None else tuple(round(width, 6) for width in order.tolist())
        own = tuple(round(width, 6) for width in self.width_order.tolist())
        if count != len(own) or sorted(saved) != sorted(own):
            known = f'widths {saved}' if order is not None else f'{count} widths'
            raise ValueError(f'{prefix[:-1]}: the checkpoint holds {known}, the model has widths {self.widths}')
        moved = {
            f'{members_prefix}{own.index(saved[int(index)])}.{name}': state_dict.pop(key)
            for key, (index, name) in found.items()
        }
        state_dict.update(moved)


class _SwitchableBatchNorm(_SwitchableModule):
    """One batch normalisation per width: own scale, shift and running statistics.

    Args:
        num_features: Channels of the full network, scaled to ``int(num_features * width)``, or one count per width.
        widths: The widths, in any order.
        eps: Added to the variance.
        momentum: Share of the new value in the running statistics.
        affine: Whether members have scale and shift.
        sync: Whether statistics are taken over the joined batch of all processes.
        overlap: Which channels of an ordinary layer a member takes when one is loaded; as in ``SlimmableConv2d``.
    """

    members_name = 'bn'
    local_type: type

    def __init__(
        self,
        num_features: Channels,
        widths: Sequence[float] = (1.0, 0.75, 0.5, 0.25),
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
        sync: bool = False,
        overlap: bool = True,
    ) -> None:
        super().__init__(widths)
        counts = scale_channels(num_features, self.widths, type(self).__name__)
        self.ranges = channel_ranges(counts, overlap)
        norm = SyncBatchNorm if sync else self.local_type
        self.bn = nn.ModuleList(norm(count, eps=eps, momentum=momentum, affine=affine) for count in counts)

    def _cut_ordinary(self, name: str, tensor: Tensor, index: int) -> Tensor:
        return tensor.clone() if tensor.dim() == 0 else tensor[self.ranges[index]].clone()


@MODELS.register_module()
class SwitchableBatchNorm1d(_SwitchableBatchNorm):
    """Switchable batch normalisation of vectors ``[N, C]``; arguments as in :class:`SwitchableBatchNorm2d`."""

    local_type = nn.BatchNorm1d


@MODELS.register_module()
class SwitchableBatchNorm2d(_SwitchableBatchNorm):
    """Switchable batch normalisation of maps ``[N, C, H, W]`` (slimmable networks, Yu et al., ICLR 2019).

    Only the member of the width just run updates its statistics. Arguments as in ``_SwitchableBatchNorm``:
    ``num_features, widths, eps, momentum, affine, sync, overlap``.
    """

    local_type = nn.BatchNorm2d


def untrained_widths(model: nn.Module) -> Tuple[float, ...]:
    """Widths whose normalisation has seen no batch while that of the full network has: they were never trained."""
    idle = {
        norm.widths[index]
        for norm in model.modules()
        if isinstance(norm, _SwitchableBatchNorm) and norm.bn[0].num_batches_tracked > 0
        for index, member in enumerate(norm.bn)
        if member.num_batches_tracked == 0
    }
    return tuple(sorted(idle, reverse=True))


@MODELS.register_module()
class SwitchableLinear(_SwitchableModule):
    """One independent linear layer per width, nothing shared (the switchable linear probe of SlimCLR).

    Args:
        in_features: Input features of the full network, scaled to each width, or one count per width.
        out_features: Output features, the same for all widths when given as an int.
        bias: Whether to add a bias.
        widths: The widths, in any order.
        init_std: Standard deviation of the normal initialisation (bias 0). ``None`` keeps PyTorch's default.
    """

    members_name = 'linears'

    def __init__(
        self,
        in_features: Channels,
        out_features: Channels,
        bias: bool = True,
        widths: Sequence[float] = (1.0, 0.75, 0.5, 0.25),
        init_std: Optional[float] = 0.01,
    ) -> None:
        super().__init__(widths)
        if isinstance(out_features, int):
            out_features = [out_features] * len(self.widths)
        self.in_counts = scale_channels(in_features, self.widths, 'SwitchableLinear input')
        self.out_counts = scale_channels(out_features, self.widths, 'SwitchableLinear output')
        self.linears = nn.ModuleList(
            nn.Linear(ins, outs, bias=bias) for ins, outs in zip(self.in_counts, self.out_counts)
        )
        if init_std is not None:
            for linear in self.linears:
                nn.init.normal_(linear.weight, std=init_std)
                if bias:
                    nn.init.zeros_(linear.bias)

    def _cut_ordinary(self, name: str, tensor: Tensor, index: int) -> Tensor:
        rows = tensor[: self.out_counts[index]]
        return (rows[:, : self.in_counts[index]] if tensor.dim() == 2 else rows).clone()
