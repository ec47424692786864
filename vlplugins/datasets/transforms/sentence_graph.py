"""The graph of a query, and its words, as arrays."""

import hashlib
import logging
from typing import Any, Dict

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.logging import print_log

from vlplugins.registry import TASK_UTILS, TRANSFORMS
from vlplugins.structures.sentence_graph import SentenceGraph
from vlplugins.utils.word_vectors import UNKNOWN_ID


@TRANSFORMS.register_module()
class LoadQueryGraph(BaseTransform):
    """Cuts ``graph`` to size and adds its arrays (``action_spans``, ``atom_index``, ``edges``, ``parents``, ``guide``).

    A query that is too long loses tokens at its end, with the nodes and edges that need them; the first is told in the
    log.

    Args:
        max_tokens: N.
        max_actions: A.
        max_atoms: O.

    Raises:
        ValueError: a limit below 1; (when called) a record without graph, or a graph without an action.
    """

    def __init__(self, max_tokens: int = 16, max_actions: int = 4, max_atoms: int = 8) -> None:
        if min(max_tokens, max_actions, max_atoms) < 1:
            raise ValueError(f'max_tokens, max_actions, max_atoms {max_tokens, max_actions, max_atoms} must be above 0')
        self.limits = max_tokens, max_actions, max_atoms
        self.num_truncated = 0

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Add the arrays."""
        name = results.get('query_id', results.get('sentence'))
        if results.get('graph') is None:
            raise ValueError(f'the query {name} has no graph; give the data set a graph_file')
        full: SentenceGraph = results['graph']
        graph = full.truncate(*self.limits)
        if not graph.actions:
            raise ValueError(f'the graph of the query {name} has no action among its first {self.limits[0]} tokens')
        is_cut = [len(each) for each in (graph.tokens, graph.actions, graph.atoms)] != [
            len(each) for each in (full.tokens, full.actions, full.atoms)
        ]
        if is_cut and not self.num_truncated:
            limits = '{} tokens, {} actions, {} atoms'.format(*self.limits)
            print_log(f'queries beyond {limits} are cut; the first: {name}', 'current', level=logging.WARNING)
        self.num_truncated += is_cut
        results['graph'] = graph
        results.update(graph.to_arrays()._asdict())
        return results


@TRANSFORMS.register_module()
class TokenizeQuery(BaseTransform):
    """Adds ``tokens``, int64 ``[N]``: ids of the words of ``graph``.

    Args:
        tokenizer: Config of a tokenizer of words, ``dict(type='WordTokenizer', vocabulary=...)``.
        word_dropout: Share of the words that become unknown ones in training; never the verb of an action.
        rng: Source of random numbers: a ``numpy.random.Generator``, or the module ``numpy.random``.

    Raises:
        ValueError: ``word_dropout`` outside 0..1.
    """

    def __init__(self, tokenizer: dict, word_dropout: float = 0.0, rng: Any = np.random) -> None:
        if not 0 <= word_dropout <= 1:
            raise ValueError(f'word_dropout {word_dropout} is outside 0..1')
        self.tokenizer, self.word_dropout, self.rng = TASK_UTILS.build(tokenizer), word_dropout, rng
        self.has_warned = False

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Add the ids."""
        graph = results['graph']
        ids = self.tokenizer.encode_words(graph.tokens)
        if not self.has_warned and (ids == UNKNOWN_ID).all():
            self.has_warned = True
            message = f'no word of {results.get("sentence")!r} is known; the query is used all the same'
            print_log(message, 'current', level=logging.WARNING)
        if self.word_dropout:
            dropped = self.rng.uniform(size=len(ids)) < self.word_dropout
            dropped[[span[0] for span in graph.actions]] = False
            ids[dropped] = UNKNOWN_ID
        results['tokens'] = ids
        return results


@TRANSFORMS.register_module()
class ShuffleQueryGraph(BaseTransform):
    """Exchanges the words of the nodes, a control: a graph of which nobody knows what is the verb and what its object.

    The first words of actions and atoms change places at random, always in the same way for the same query; edges and
    the words themselves stay. Comes after :class:`LoadQueryGraph`.

    Args:
        seed: Seed of the exchange.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Exchange the words."""
        spans, atoms = results['action_spans'], results['atom_index']
        digest = hashlib.sha1(f'{self.seed}/{results["query_id"]}'.encode()).digest()
        rng = np.random.default_rng(int.from_bytes(digest[:8], 'big'))
        words = rng.permutation([*(span[0] for span in results['graph'].actions), *atoms])
        shuffled = np.zeros_like(spans)
        shuffled[np.arange(len(spans)), words[: len(spans)]] = 1
        results['action_spans'], results['atom_index'] = shuffled, words[len(spans) :].astype(atoms.dtype)
        return results
