"""The invariant part of every level of a pyramid, for detectors that know nothing of a decomposition."""

import contextlib
from typing import Any, Iterator, List, Optional, Sequence, Tuple

from mmengine.model import BaseModule, ModuleList
from torch import Tensor

from vlplugins.models.necks.vector_decomposition import DecomposedFeature
from vlplugins.registry import MODELS

Parts = Tuple[DecomposedFeature, ...]


@MODELS.register_module()
class DecompositionNeck(BaseModule):
    """Wraps a neck and hands on the domain-invariant part of each of its levels.

    The rest of the detector is left as it is: it gets as many maps of the same shapes. Losses that need all parts get
    them from :meth:`recording`::

        neck=dict(
            type='vlplugins.DecompositionNeck',
            neck=dict(type='mmdet.FPN', ...),
            decomposer=dict(type='vlplugins.VectorDecomposition', in_channels=256, mid_channels=64, kernel_size=3),
        )

    A checkpoint of the detector with the plain ``neck`` loads as well; only the extractors keep their initialisation.
    An extractor that all levels share should have no batch statistics (``norm_cfg=dict(type='GN', num_groups=32)``):
    those of a coarse level are not those of a fine one.

    Args:
        decomposer: Config of the ``VectorDecomposition`` of a level.
        neck: Config of the neck whose output is divided; ``None`` divides what the backbone gives.
        num_extractors: 1 for one extractor that all levels share, or one for each level.
        init_cfg: As in MMEngine's ``BaseModule``.

    Raises:
        ValueError: less than one extractor.
    """

    def __init__(
        self, decomposer: dict, neck: Optional[dict] = None, num_extractors: int = 1, init_cfg: Optional[dict] = None
    ) -> None:
        super().__init__(init_cfg)
        if num_extractors < 1:
            raise ValueError(f'num_extractors {num_extractors} must be 1 (shared), or the number of levels')
        self.neck = None if neck is None else MODELS.build(neck)
        self.extractors = ModuleList([MODELS.build(decomposer) for _ in range(num_extractors)])
        self._records: List[List[Parts]] = []
        self._register_load_state_dict_pre_hook(self._take_plain_weights)

    def forward(self, inputs: Sequence[Tensor]) -> Tuple[Tensor, ...]:
        """Invariant maps ``[B, C, h, w]`` of all levels, from the maps of the backbone."""
        parts = self.decompose(inputs)
        for record in self._records:
            record.append(parts)
        return tuple(part.invariant for part in parts)

    def decompose(self, inputs: Sequence[Tensor]) -> Parts:
        """All parts of all levels, from the maps of the backbone.

        Raises:
            ValueError: another number of levels than extractors.
        """
        levels = tuple(inputs) if self.neck is None else self.neck(inputs)
        extractors = list(self.extractors)
        if len(extractors) == 1:
            extractors *= len(levels)
        if len(extractors) != len(levels):
            raise ValueError(
                f'found {len(levels)} levels and {len(extractors)} extractors; expected one for each level, or 1'
            )
        return tuple(extractor(level) for extractor, level in zip(extractors, levels))

    @contextlib.contextmanager
    def recording(self) -> Iterator[List[Parts]]:
        """Collect the parts of every call within the block, with their gradient."""
        record: List[Parts] = []
        self._records.append(record)
        try:
            yield record
        finally:
            self._records = [each for each in self._records if each is not record]

    def _take_plain_weights(self, state_dict: dict, prefix: str, *_: Any) -> None:
        """Move weights of the plain neck to where it is here."""
        own = tuple(f'{prefix}{name}.' for name in ('neck', 'extractors'))
        plain = [key for key in state_dict if key.startswith(prefix) and not key.startswith(own)]
        if self.neck is None:
            return
        for key in plain:
            state_dict[f'{prefix}neck.{key[len(prefix) :]}'] = state_dict.pop(key)
