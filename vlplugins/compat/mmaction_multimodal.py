"""mmaction2 1.2.0: with ``transformers`` installed it believes its multimodal extra is there, and imports ``timm``.

Where ``timm`` cannot be imported (it needs torchvision), the multimodal models are switched off, as they are without
``transformers``.
"""

from types import ModuleType

from vlplugins.compat.import_hooks import after_import


def _switch_off(dependency: ModuleType) -> None:
    if not dependency.WITH_MULTIMODAL:
        return
    try:
        import timm  # noqa: F401
    except Exception:  # a torchvision that does not fit raises RuntimeError
        dependency.WITH_MULTIMODAL = False


def install() -> None:
    """Correct ``mmaction.utils.dependency`` once it is imported."""
    after_import('mmaction.utils.dependency', _switch_off)
