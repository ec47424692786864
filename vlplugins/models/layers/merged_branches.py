"""Networks made faster for inference: normalisation folded into convolutions, equal branches computed as one."""

import copy
from typing import Sequence

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d)


@torch.no_grad()
def fold_normalization(module: nn.Module) -> nn.Module:
    """Fold each batch normalisation that follows a convolution in an ``nn.Sequential`` into it, in place.

    Only there the order of computation is known; elsewhere (a convolution and a normalisation that are attributes of
    a module) nothing is done. The result is that of evaluation mode, with which training cannot go on.

    Args:
        module: Any module. Parts that have no statistics of their own to go by are left alone.

    Returns:
        The module.
    """
    for part in module.modules():
        if not isinstance(part, nn.Sequential):
            continue
        names = list(part._modules)
        for name, following in zip(names, names[1:]):
            convolution, norm = part._modules[name], part._modules[following]
            if isinstance(convolution, _CONVOLUTIONS) and isinstance(norm, _BatchNorm) and norm.track_running_stats:
                part._modules[name] = fuse_conv_bn_eval(convolution.eval(), norm.eval())
                part._modules[following] = nn.Identity()
    return module


class MergedPointwise(nn.Module):
    """Point-wise convolutions of B branches, as one product of matrices.

    Grouped convolutions of a few samples take a slow way on a CPU.

    Args:
        convolutions: One for each branch, of equal shape and stride, with a kernel of 1.
    """

    def __init__(self, convolutions: Sequence[nn.Module]) -> None:
        super().__init__()
        self.strides = tuple(convolutions[0].stride)
        self.weight = nn.Parameter(torch.stack([each.weight.flatten(1) for each in convolutions]))
        self.bias = None
        if convolutions[0].bias is not None:
            self.bias = nn.Parameter(torch.stack([each.bias for each in convolutions])[..., None])

    def forward(self, x: Tensor) -> Tensor:
        """``[N, B * C, *size]`` to ``[N, B * C', *size / stride]``."""
        if max(self.strides) > 1:
            x = x[(..., *(slice(None, None, stride) for stride in self.strides))]
        branches, _, channels = self.weight.shape
        y = torch.matmul(self.weight, x.reshape(len(x), branches, channels, -1))
        y = y if self.bias is None else y + self.bias
        return y.reshape(len(x), -1, *x.shape[2:])


@torch.no_grad()
def merge_branches(branches: Sequence[nn.Module]) -> nn.Module:
    """One module that computes B branches of equal structure on channels side by side.

    With branches ``f_b: [N, C, ...] -> [N, C', ...]`` the result takes ``[N, B * C, ...]`` to ``[N, B * C', ...]``. It
    has copies of the weights. Modules that consist of others must treat channels alike, whatever their number.

    Args:
        branches: One or more modules of the same classes, names and sizes.

    Raises:
        TypeError: branches of different structure, or a layer with weights that cannot be merged.
    """
    first = branches[0]
    if any(type(each) is not type(first) or each._modules.keys() != first._modules.keys() for each in branches):
        raise TypeError(f'branches of {sorted({type(each).__name__ for each in branches})} differ in their structure')
    if isinstance(first, _CONVOLUTIONS):
        return _merge_convolutions(branches)
    if isinstance(first, (_BatchNorm, nn.GroupNorm)):
        return _merge_normalizations(branches)
    if first._parameters or first._buffers:
        raise TypeError(f'{type(first).__name__} has weights and cannot be merged with those of other branches')
    merged = copy.copy(first)
    merged._modules = {
        name: None if part is None else merge_branches([each._modules[name] for each in branches])
        for name, part in first._modules.items()
    }
    return merged


def _merge_convolutions(branches: Sequence[nn.Module]) -> nn.Module:
    first = branches[0]
    if len({(each.weight.shape, each.bias is None, each.stride, each.padding) for each in branches}) > 1:
        raise TypeError('convolutions of the branches differ in shape, bias, stride or padding')
    if max(first.kernel_size) == first.groups == 1 and not any(first.padding):
        return MergedPointwise(branches)
    merged = copy.deepcopy(first)
    for name in ('in_channels', 'out_channels', 'groups'):
        setattr(merged, name, sum(getattr(each, name) for each in branches))
    merged.weight = nn.Parameter(torch.cat([each.weight for each in branches]))
    if first.bias is not None:
        merged.bias = nn.Parameter(torch.cat([each.bias for each in branches]))
    return merged


def _merge_normalizations(branches: Sequence[nn.Module]) -> nn.Module:
    merged = copy.deepcopy(branches[0])
    for name in ('num_features', 'num_channels', 'num_groups'):
        if hasattr(merged, name):
            setattr(merged, name, sum(getattr(each, name) for each in branches))
    for name, value in merged.named_parameters():
        setattr(merged, name, nn.Parameter(torch.cat([getattr(each, name) for each in branches]), value.requires_grad))
    for name, value in merged.named_buffers():
        if value.dim():
            setattr(merged, name, torch.cat([getattr(each, name) for each in branches]))
    return merged
