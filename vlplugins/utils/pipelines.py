"""Pipelines as a list, or as steps with names, which a config that inherits can change one by one."""

from typing import Any, Callable, List, Mapping, Sequence, Union


def list_steps(pipeline: Union[Sequence, Mapping[str, Any]]) -> List[Union[dict, Callable]]:
    """The transforms of a list, or of named steps without those that are ``None`` or empty."""
    if isinstance(pipeline, Mapping):
        return [step for step in pipeline.values() if step]
    return list(pipeline)
