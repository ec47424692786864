"""From text to token ids."""

from typing import Any, Dict

import torch
from mmcv.transforms import BaseTransform

from vlplugins.registry import TASK_UTILS, TRANSFORMS


@TRANSFORMS.register_module()
class Tokenize(BaseTransform):
    """Turns ``text`` into ``text_ids``: int64 ``[M]`` for a string, ``[C, M]`` for a list of C strings.

    Args:
        tokenizer: Config of a tokenizer, ``dict(type='CLIP', context_length=32)``.

    Raises:
        ValueError: (when called) a text that is neither a string nor a list of strings, or an empty list.
    """

    def __init__(self, tokenizer: dict) -> None:
        self.tokenizer = TASK_UTILS.build(tokenizer)

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Add ``text_ids``."""
        text = results['text']
        texts = list(text) if isinstance(text, (list, tuple)) else [text]
        if not texts or not all(isinstance(each, str) for each in texts):
            raise ValueError(f'text {text!r} of {results.get("video_id", "?")} must be a string, or a list of strings')
        ids = torch.from_numpy(self.tokenizer.encode_batch(texts))
        results['text_ids'] = ids[0] if isinstance(text, str) else ids
        return results
