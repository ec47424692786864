"""Prompts of classes, for models that name what they see by texts."""

from typing import Any, Dict, List, Optional, Sequence

import torch
from mmcv.transforms import BaseTransform

from vlplugins.datasets.formats.text_files import read_json
from vlplugins.registry import TASK_UTILS, TRANSFORMS
from vlplugins.utils.records import RecordError

_EXPECTED = '{"names": ["a class", ...], "templates": ["an image of {}", ...]}, both lists of strings'


def read_prompts(path: str) -> Dict[str, List[str]]:
    """Names of classes, in the order of their labels, and templates, from a JSON file.

    Raises:
        RecordError: a missing file, another layout, a template without one ``{}``.
    """
    content = read_json(path, _EXPECTED)
    content = content if isinstance(content, dict) else {}
    for key in ('names', 'templates'):
        values = content.get(key)
        if not isinstance(values, list) or not values or not all(isinstance(each, str) for each in values):
            raise RecordError(path, f'{key} {values!r}', _EXPECTED)
    wrong = [each for each in content['templates'] if each.count('{}') != 1]
    if wrong:
        raise RecordError(path, f'the template {wrong[0]!r}', "one '{}' in each template")
    return dict(names=content['names'], templates=content['templates'])


@TRANSFORMS.register_module()
class AddClassPrompts(BaseTransform):
    """Adds the prompts of all classes to a packed sample; they are one tensor, which all samples share.

    ``inputs`` becomes a dict with the ``image`` that was packed and ``class_prompts``, int64 ``[K, T, M]``: K
    classes in T templates, names in lower case. Comes behind what packs, such as ``mmdet.PackDetInputs``.

    Args:
        prompts: JSON file, see :func:`read_prompts`.
        tokenizer: Config of a tokenizer.
        templates: Others than those of the file.

    Raises:
        RecordError: as :func:`read_prompts`.
    """

    def __init__(self, prompts: str, tokenizer: dict, templates: Optional[Sequence[str]] = None) -> None:
        found = read_prompts(prompts)
        templates = found['templates'] if templates is None else list(templates)
        texts = [template.format(name.lower()) for name in found['names'] for template in templates]
        ids = torch.from_numpy(TASK_UTILS.build(tokenizer).encode_batch(texts))
        self.class_prompts = ids.unflatten(0, (len(found['names']), len(templates)))

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Add ``class_prompts``."""
        inputs = results['inputs']
        inputs = dict(inputs) if isinstance(inputs, dict) else dict(image=inputs)
        return dict(results, inputs=dict(inputs, class_prompts=self.class_prompts))
