"""MMEngine 0.10.7: ``Config.pretty_text`` formats a config by YAPF whenever it is asked, about a second each time.

A run asks for its text five times (log of the environment, dump, visualizer, message hub, each checkpoint), which is
most of what a short run takes before its first iteration. Here a text that was formatted before is looked up.
"""

import functools
from typing import Any, Callable, Dict, Tuple

from mmengine.config import config

_KEPT = 16


def _remembering(format_code: Callable[..., Tuple[str, bool]]) -> Callable[..., Tuple[str, bool]]:
    known: Dict[Tuple[str, str], Tuple[str, bool]] = {}

    @functools.wraps(format_code)
    def wrapper(text: str, **options: Any) -> Tuple[str, bool]:
        key = (text, repr(options))
        if key not in known:
            if len(known) >= _KEPT:
                known.pop(next(iter(known)))
            known[key] = format_code(text, **options)
        return known[key]

    return wrapper


def install() -> None:
    """Wrap the function by which MMEngine formats, once."""
    if not hasattr(config.FormatCode, '__wrapped__'):
        config.FormatCode = _remembering(config.FormatCode)
