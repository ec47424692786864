"""Which versions of the packages below vlplugins works with."""

import re
from importlib import metadata
from typing import Callable, Dict, Tuple

# Name of the distribution (or its alternatives): lowest version, first version that is too new, why.
SUPPORTED: Dict[Tuple[str, ...], Tuple[str, str, str]] = {
    ('torch',): ('2.6', '2.14', 'it is tested up to 2.13'),
    ('mmengine', 'mmengine-lite'): ('0.10', '0.11', 'it is tested with 0.10.7'),
    ('mmcv', 'mmcv-lite'): ('2.0', '2.2', 'mmdet 3.3 and mmaction2 1.2 refuse mmcv 2.2'),
}


def release(version: str) -> Tuple[int, ...]:
    """The numbers of a version without local or development suffix: ``'2.13.0+cpu' -> (2, 13, 0)``."""
    numbers = re.match(r'\d+(\.\d+)*', version)
    return tuple(int(number) for number in numbers.group().split('.')) if numbers else ()


def check_version(name: str, version: str, lowest: str, too_new: str, reason: str) -> None:
    """Check one version.

    Raises:
        ImportError: it is not in [lowest, too_new); one line says what to do.
    """
    if not release(lowest) <= release(version) < release(too_new):
        raise ImportError(
            f'vlplugins needs {name} >= {lowest}, < {too_new} ({reason}), found {version}: '
            f'pip install "{name}>={lowest},<{too_new}", or set everything up with `make demo`'
        )


def check_dependencies(version_of: Callable[[str], str] = metadata.version) -> None:
    """Check torch, MMEngine and mmcv.

    Args:
        version_of: Gives the version of an installed distribution.

    Raises:
        ImportError: one is missing, too old or too new.
    """
    for names, (lowest, too_new, reason) in SUPPORTED.items():
        versions = {}
        for name in names:
            try:
                versions[name] = version_of(name)
            except metadata.PackageNotFoundError:
                continue
        if not versions:
            raise ImportError(f'vlplugins needs {names[0]} >= {lowest}, < {too_new}, which is not installed')
        name, version = next(iter(versions.items()))
        check_version(name, version, lowest, too_new, reason)
