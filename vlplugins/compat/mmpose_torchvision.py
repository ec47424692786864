"""mmpose 1.3.2: ``mmpose.visualization`` imports ``torchvision`` for one conversion to a Pillow image.

torchvision's published wheel does not load beside a CPU build of torch. While the one module that needs it is
executed, a stand-in is there; afterwards it is gone again, so that nothing else takes torchvision for installed.
"""

import sys
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Iterator

from vlplugins.compat.import_hooks import around_import


class ToPILImage:
    """Converts a tensor ``[C, H, W]`` (float in 0..1, or uint8) or an array ``[H, W, C]`` to a Pillow image."""

    def __call__(self, image: Any) -> Any:
        """Return the Pillow image; floats are scaled to 0..255 and truncated, as torchvision does."""
        import torch
        from PIL import Image

        if isinstance(image, torch.Tensor):
            if image.is_floating_point():
                image = image.mul(255).byte()
            image = image.cpu().numpy()
            image = image[None] if image.ndim == 2 else image
            image = image.transpose(1, 2, 0)
        return Image.fromarray(image[..., 0] if image.ndim == 3 and image.shape[2] == 1 else image)


def _torchvision_loads() -> bool:
    try:
        import torchvision.transforms  # noqa: F401
    except Exception:  # absent, or built for another torch
        return False
    return True


@contextmanager
def _stand_in() -> Iterator[None]:
    if _torchvision_loads():
        yield
        return
    names = ('torchvision', 'torchvision.transforms')
    before = {name: sys.modules.get(name) for name in names}
    package, transforms = (ModuleType(name) for name in names)
    package.transforms, transforms.ToPILImage = transforms, ToPILImage
    sys.modules.update(zip(names, (package, transforms)))
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = module


def install() -> None:
    """Let ``mmpose.visualization.simcc_vis`` import with or without torchvision."""
    around_import('mmpose.visualization.simcc_vis', _stand_in)
