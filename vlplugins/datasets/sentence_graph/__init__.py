"""Graphs of sentences: parsing, rules, and the file that keeps them. Importing the package loads no model."""

from vlplugins.datasets.sentence_graph.compositions import COMPOSITION_TYPES, compositions_of, words_of
from vlplugins.datasets.sentence_graph.graph_file import digest_of, key_of, read_graphs, write_graphs
from vlplugins.datasets.sentence_graph.noun_phrases import RuleNounPhraseChunker, SpacyNounPhraseChunker
from vlplugins.datasets.sentence_graph.parser import SpacySentenceParser, SpacyStatementParser
from vlplugins.datasets.sentence_graph.rules import graph_of
from vlplugins.datasets.sentence_graph.statement_rules import SPEECH, statement_graph_of

__all__ = [
    'COMPOSITION_TYPES',
    'RuleNounPhraseChunker',
    'SPEECH',
    'SpacyNounPhraseChunker',
    'SpacySentenceParser',
    'SpacyStatementParser',
    'compositions_of',
    'digest_of',
    'graph_of',
    'key_of',
    'read_graphs',
    'statement_graph_of',
    'words_of',
    'write_graphs',
]
