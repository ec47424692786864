"""Research methods for vision and language as OpenMMLab plugins on MMEngine.

Importing the package needs torch, MMEngine and mmcv only. It checks their versions, and installs the workarounds
for the upstream defects that :mod:`vlplugins.compat` lists.
"""

from vlplugins import compat
from vlplugins.utils.versions import check_dependencies
from vlplugins.version import __version__

check_dependencies()
compat.install()

__all__ = ['__version__']
