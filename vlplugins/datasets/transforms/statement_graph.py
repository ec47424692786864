"""Graphs of statements as arrays over the tokens that a text encoder saw."""

import logging
from typing import Any, Dict, List, Sequence

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.logging import print_log

from vlplugins.datasets.formats.violin_annotations import clean_statement
from vlplugins.registry import TASK_UTILS, TRANSFORMS
from vlplugins.structures.statement_graph import StatementGraph


def spans_of_words(sentence: str, words: Sequence[str]) -> np.ndarray:
    """Characters of each word, int64 ``[N, 2]``: the words in their order, with anything between them.

    Raises:
        ValueError: a word that does not follow.
    """
    spans, begin = [], 0
    for word in words:
        place = sentence.find(word, begin)
        if place < 0:
            raise ValueError(f'the word {word!r} of the graph does not follow in {sentence!r}')
        begin = place + len(word)
        spans.append((place, begin))
    return np.array(spans, dtype=np.int64).reshape(-1, 2)


def word_to_pieces(words: np.ndarray, pieces: np.ndarray) -> np.ndarray:
    """Share of each piece in each word, float32 ``[words, pieces]``: rows are means over the pieces that touch a word.

    Args:
        words: Characters of words, ``[N, 2]``.
        pieces: Characters of pieces, ``[P, 2]``; empty spans touch nothing.
    """
    start, end = np.maximum(words[:, None, 0], pieces[:, 0]), np.minimum(words[:, None, 1], pieces[:, 1])
    touches = (end > start).astype(np.float32)
    return touches / touches.sum(axis=1, keepdims=True).clip(min=1)


@TRANSFORMS.register_module()
class LoadStatementGraph(BaseTransform):
    """Turns ``graphs`` into ``graph_arrays``: for each statement the arrays of :class:`StatementArrays`, over pieces.

    A node is the mean of the pieces of its words. Statements that are too long lose tokens, events and atoms at their
    end; the first is told in the log, all are counted in ``num_truncated``. A statement whose features were cut before
    an event keeps the event, with a zero vector.

    Args:
        max_words: Words of a statement.
        max_events: M at most.
        max_atoms: A at most.
        coref: Keep the edges between events that share somebody by a pronoun.
        parser: Config of a parser for statements without a graph; ``None`` refuses them.

    Raises:
        ValueError: a limit below 1; (when called) a statement without graph, or a graph of another statement.
    """

    def __init__(
        self,
        max_words: int = 48,
        max_events: int = 6,
        max_atoms: int = 16,
        coref: bool = True,
        parser: Any = None,
    ) -> None:
        if min(max_words, max_events, max_atoms) < 1:
            raise ValueError(f'max_words, max_events, max_atoms {max_words, max_events, max_atoms} must be above 0')
        self.limits, self.coref = (max_words, max_events, max_atoms), coref
        self.parser = None if parser is None else TASK_UTILS.build(parser)
        self.num_truncated = 0

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Add the arrays."""
        graphs = self._graphs(results)
        results['graphs'] = [self._cut(graph, results) for graph in graphs]
        results['graph_arrays'] = [
            self._arrays(graph, clean_statement(text), pieces)
            for graph, text, pieces in zip(results['graphs'], results['statements'], results['stm_spans'])
        ]
        return results

    def _graphs(self, results: Dict[str, Any]) -> List[StatementGraph]:
        graphs = results.get('graphs') or [None] * len(results['statements'])
        if all(graph is not None for graph in graphs):
            return graphs
        if self.parser is None:
            name = f'{results.get("video_id")}: {results["statements"][graphs.index(None)]!r}'
            raise ValueError(f'the statement of {name} has no graph; give the data set a graph_file, or a parser')
        return list(self.parser.graphs([clean_statement(text) for text in results['statements']]))

    def _cut(self, full: StatementGraph, results: Dict[str, Any]) -> StatementGraph:
        graph = full.truncate(*self.limits)
        if not graph.sentence.actions:
            name = results.get('video_id')
            raise ValueError(f'a statement of {name} has no event among its first {self.limits[0]} words')
        is_cut = len(graph.tokens) < len(full.tokens) or len(graph.negated) < len(full.negated)
        if is_cut or len(graph.sentence.atoms) < len(full.sentence.atoms):
            if not self.num_truncated:
                limits = '{} words, {} events, {} atoms'.format(*self.limits)
                message = f'statements beyond {limits} are cut; the first is one of {results.get("video_id")}'
                print_log(message, 'current', level=logging.WARNING)
            self.num_truncated += 1
        if not self.coref:
            kept = [each for each in graph.connectives if each[2] != 'COREF']
            graph = StatementGraph(graph.sentence, graph.negated, kept)
        return graph

    @staticmethod
    def _arrays(graph: StatementGraph, sentence: str, pieces: np.ndarray) -> Dict[str, np.ndarray]:
        arrays = graph.to_arrays()._asdict()
        share = word_to_pieces(spans_of_words(sentence, graph.tokens), pieces)
        for name in ('event_spans', 'event_words', 'atom_spans'):
            arrays[name] = arrays[name] @ share
        return arrays
