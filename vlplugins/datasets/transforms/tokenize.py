"""From text to token ids."""

from typing import Any, Dict, Optional

import torch
from mmcv.transforms import BaseTransform

from vlplugins.registry import TASK_UTILS, TRANSFORMS


@TRANSFORMS.register_module()
class Tokenize(BaseTransform):
    """Turns ``text`` into ``text_ids``: int64 ``[M]`` for a string, ``[C, M]`` for a list of C strings.

    Args:
        tokenizer: Config of a tokenizer, ``dict(type='CLIP', context_length=32)``.
        with_offsets: Add ``token_offsets``, the characters of each token, int64 ``[M, 2]`` or ``[C, M, 2]``, where the
            tokenizer tells them.
        template: What a text is put into, in lower case: ``'an image of {}'``. ``text`` stays as it is.

    Raises:
        ValueError: a template without one ``{}``, or together with offsets;
            (when called) a text that is neither a string nor a list of strings, or an empty list.
    """

    def __init__(self, tokenizer: dict, with_offsets: bool = False, template: Optional[str] = None) -> None:
        if template is not None and (template.count('{}') != 1 or with_offsets):
            raise ValueError(f"template {template!r} must have one '{{}}', and excludes with_offsets={with_offsets}")
        self.tokenizer, self.with_offsets, self.template = TASK_UTILS.build(tokenizer), with_offsets, template

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Add ``text_ids``."""
        text = results['text']
        texts = list(text) if isinstance(text, (list, tuple)) else [text]
        if not texts or not all(isinstance(each, str) for each in texts):
            raise ValueError(f'text {text!r} of {results.get("video_id", "?")} must be a string, or a list of strings')
        if self.template is not None:
            texts = [self.template.format(each.strip().lower()) for each in texts]
        if self.with_offsets:
            ids, offsets = self.tokenizer.encode_with_offsets(texts)
            results['token_offsets'] = offsets[0] if isinstance(text, str) else offsets
        else:
            ids = self.tokenizer.encode_batch(texts)
        results['text_ids'] = torch.from_numpy(ids[0] if isinstance(text, str) else ids)
        return results
