"""Writing files in one piece."""

import os
from pathlib import Path
from typing import Any, Dict, Union

import numpy as np


def write_if_changed(path: Union[str, Path], content: str) -> bool:
    """Write a text file in one piece unless it holds that text; returns whether it was written."""
    path = Path(path)
    if path.is_file() and path.read_text(encoding='utf-8') == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f'.{path.name}.{os.getpid()}')
    temporary.write_text(content, encoding='utf-8')
    os.replace(temporary, path)
    return True


def write_npz(path: Union[str, Path], arrays: Dict[str, Any]) -> None:
    """Write arrays to an ``.npz`` file in one piece: a killed run leaves the old one, or none."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f'.{path.name}.{os.getpid()}')
    with open(temporary, 'wb') as file:
        np.savez(file, **arrays)
    os.replace(temporary, path)
