"""mmaction2 1.2.0: ``import mmaction.models`` fails, because the published wheel lacks ``models/localizers/drn``.

The missing modules are provided with a ``DRN`` that says so when it is built; everything else imports as it should.
"""

from types import ModuleType
from typing import Any

from vlplugins.compat.import_hooks import provide_missing

_PACKAGE = 'mmaction.models.localizers.drn'


class DRN:
    """Stands in for the localizer that mmaction2's wheel does not contain."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise ImportError("mmaction2's wheel lacks DRN (mmaction/models/localizers/drn); install mmaction2 from source")


def _fill(module: ModuleType) -> None:
    module.DRN = DRN


def install() -> None:
    """Provide the two missing modules."""
    provide_missing(_PACKAGE, _fill)
    provide_missing(f'{_PACKAGE}.drn', _fill)
