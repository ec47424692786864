"""Whether a text encoder has places for all tokens that the data give it."""

import inspect
from typing import Any, Iterator, List, NamedTuple


class Part(NamedTuple):
    """A part of ours that a config names: where, its class, and its keys there."""

    path: str
    cls: type
    node: dict

    def argument(self, name: str) -> Any:
        """Value of an argument, or its default."""
        parameters = inspect.signature(self.cls.__init__).parameters
        return self.node.get(name, parameters[name].default if name in parameters else None)


def text_length_problems(parts: List[Part]) -> Iterator[str]:
    """Yield a problem for each text encoder of the model that is shorter than the longest texts of the data.

    An encoder names, in its class attribute ``max_tokens_key``, the argument that limits its texts; a tokenizer, the
    argument of a transform in a data loader, has a ``context_length``.
    """
    texts = [
        (part.argument('context_length'), f'{part.path}.context_length')
        for part in parts
        if '_dataloader.' in part.path and part.path.endswith('.tokenizer')
    ]
    longest, place = max((each for each in texts if isinstance(each[0], int)), default=(0, ''))
    for part in parts:
        key = getattr(part.cls, 'max_tokens_key', None)
        most = part.argument(key) if key and part.path.startswith('model.') else None
        if isinstance(most, int) and most < longest:
            yield (
                f'{part.path}.{key} = {most}: {place} = {longest} makes longer texts; expected {longest} or more, '
                f'or texts of {most} at most'
            )
