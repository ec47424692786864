"""Generators of small data sets in real formats; importing the package registers them."""

from typing import Any, List

from vlplugins.datasets.synthetic.base import SyntheticDataset
from vlplugins.datasets.synthetic.digits import SyntheticDigits
from vlplugins.registry import TASK_UTILS

__all__ = ['SyntheticDataset', 'SyntheticDigits', 'prepare_synthetic_data']


def prepare_synthetic_data(cfg: Any) -> List[str]:
    """Write the sets that a config asks for with its key ``synthetic_data`` (one generator, or a list).

    Returns:
        The folders of the sets.
    """
    generators = cfg.get('synthetic_data') or []
    generators = [generators] if isinstance(generators, dict) else generators
    return [str(TASK_UTILS.build(generator).prepare()) for generator in generators]
