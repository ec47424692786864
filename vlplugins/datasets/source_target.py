"""One labelled set and one or several without labels, joined for training."""

from typing import Any, List, Sequence, Union

from mmengine.dataset import BaseDataset, ConcatDataset

from vlplugins.registry import DATASETS

SetOrConfig = Union[BaseDataset, dict]


@DATASETS.register_module()
class SourceTargetDataset(ConcatDataset):
    """The records of the source, and after them those of all targets; ``SourceTargetSampler`` pairs them.

    Several targets are a compound one: they are mixed in proportion to their sizes.

    Args:
        source: The labelled set, or its config; a list of several is joined.
        targets: The sets of the target, or their configs.

    Raises:
        ValueError: no target, a set without records, or sets that list other classes.
    """

    def __init__(self, source: Union[SetOrConfig, Sequence[SetOrConfig]], targets: Sequence[SetOrConfig]) -> None:
        sources = list(source) if isinstance(source, (list, tuple)) else [source]
        if not sources or not targets:
            raise ValueError(f'found {len(sources)} source and {len(targets)} target sets; expected one or more')
        sets = [each if isinstance(each, BaseDataset) else DATASETS.build(each) for each in (*sources, *targets)]
        self._num_sources = len(sources)
        self._check(sets)
        super().__init__(sets, ignore_keys=[key for key in _all_keys(sets) if key != 'classes'])

    def _check(self, sets: List[Any]) -> None:
        for index, each in enumerate(sets):
            is_source = index < self._num_sources
            name = f'source {index}' if is_source else f'target {index - self._num_sources}'
            if len(each) == 0:
                raise ValueError(f'the {name} ({type(each).__name__} of {each.ann_file}) has no record')
            ours, theirs = sets[0].metainfo.get('classes'), each.metainfo.get('classes')
            if ours != theirs:
                differ = sorted(set(ours or ()) ^ set(theirs or ()))
                raise ValueError(
                    f'the classes of the {name} are {theirs}; expected those of the first source, {ours}, in this order'
                    + (f'; only one of them has {differ}' if differ else '')
                )

    @property
    def source_size(self) -> int:
        """Records of the source, which come first."""
        return self.cumulative_sizes[self._num_sources - 1]


def _all_keys(sets: List[Any]) -> List[str]:
    return sorted({key for each in sets for key in each.metainfo})
