"""The nodes of a sentence or a video on the levels event, action and atom."""

from typing import Dict, NamedTuple

from torch import Tensor

States = Dict[str, Tensor]


class GraphLevels(NamedTuple):
    """States of the nodes of a graph by level.

    Of a query: event ``[B, 1, d]``, action ``[B, A, d]``, atom ``[B, O, d]``. Of a video of P positions: event
    ``[B, P, P, d]`` (entry (i, j): from the start of i to the end of j), action ``[B, P, d]``, atom ``[B, P, K, d]``.

    Attributes:
        reasoned: States after sequence and graph layers, which know of the other nodes.
        context_free: States of the actions and atoms that know of nothing but themselves.
        masks: Of a query booleans ``[B, M]`` of each level: the real nodes; of a video ``{'event': [P, P]}``: the
            segments there are.
    """

    reasoned: States
    context_free: States
    masks: States
