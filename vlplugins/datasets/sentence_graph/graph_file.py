"""Graphs of the sentences of an annotation file, kept in a file."""

import hashlib
import json
from pathlib import Path
from typing import Any, Dict, List, Mapping, Tuple, Type, TypeVar, Union

from vlplugins.structures.sentence_graph import SentenceGraph
from vlplugins.utils.files import write_if_changed
from vlplugins.utils.records import RecordError

PathLike = Union[str, Path]
GraphType = TypeVar('GraphType')
REBUILD = 'python tools/dataset_converters/parse_query_graphs.py ANNOTATIONS.json --out'


def key_of(video_id: str, number: int) -> str:
    """The key of sentence ``number`` of a video."""
    return f'{video_id}#{number}'


def digest_of(sentences: Mapping[str, str]) -> str:
    """SHA-1 of the sentences of a set, in order."""
    return hashlib.sha1('\n'.join(sentences.values()).encode()).hexdigest()


def _read(path: PathLike, rebuild: str = REBUILD) -> Tuple[Dict[str, Any], Dict[str, Any]]:
    """Meta information and raw graphs of a file."""
    expected = f'graphs of sentences (make them: {rebuild} {path})'
    if not Path(path).is_file():
        raise RecordError(path, 'no such file', expected)
    try:
        content = json.loads(Path(path).read_text(encoding='utf-8'))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise RecordError(path, f'no JSON ({error})', expected) from None
    if not isinstance(content, dict) or not isinstance(content.get('_meta'), dict):
        raise RecordError(path, 'JSON without the key _meta', expected)
    return content.pop('_meta'), content


def read_graphs(
    path: PathLike, sentences: Mapping[str, str], kind: Type[GraphType] = SentenceGraph, rebuild: str = REBUILD
) -> Dict[str, GraphType]:
    """Graphs of sentences, by key.

    Args:
        path: The file, of :func:`write_graphs`.
        sentences: Sentences by key, in the order of the annotations.
        kind: Class of the graphs, with ``from_dict``.
        rebuild: The command that makes the file, for messages.

    Raises:
        RecordError: no such file, graphs of other sentences, a key without a graph, or a malformed graph; with the
            command that makes the file anew.
    """
    meta, raw = _read(path, rebuild)
    remedy = f'make it anew: {rebuild} {path}'
    digest = digest_of(sentences)
    if meta.get('sentences_sha1') != digest:
        found = f'graphs of other sentences (sentences_sha1 {meta.get("sentences_sha1")})'
        raise RecordError(path, found, f'those of the annotations ({digest}); {remedy}')
    graphs = {}
    for key in sentences:
        if key not in raw:
            raise RecordError(path, 'no graph', f'one for each sentence; {remedy}', key)
        try:
            graphs[key] = kind.from_dict(raw[key])
        except (ValueError, TypeError, KeyError) as error:
            raise RecordError(path, str(error), f'a graph; {remedy}', key) from None
    return graphs


def write_graphs(path: PathLike, sentences: Mapping[str, str], parser: Any, save_every: int = 5000) -> Dict[str, int]:
    """Parse sentences into a file, and say how many were new.

    Graphs that the file has already, of the same sentence and parser, are kept, and the file is written after every
    ``save_every`` new ones: a killed run goes on where it was.

    Args:
        path: The file.
        sentences: Sentences by key.
        parser: Has ``name``, ``version`` and ``graphs(sentences)``, as :class:`SpacySentenceParser`.
        save_every: New sentences between two writes.

    Returns:
        ``dict(parsed=..., kept=...)``.
    """
    meta = dict(parser=parser.name, version=parser.version, sentences_sha1=digest_of(sentences))
    known = _known(path, meta)
    kept = {key: known[key] for key, text in sentences.items() if known.get(key, {}).get('sentence') == text}
    new = [key for key in sentences if key not in kept]
    count = len(kept)
    for number, (key, graph) in enumerate(zip(new, parser.graphs([sentences[key] for key in new])), 1):
        kept[key] = dict(sentence=sentences[key], **graph.to_dict())
        if number % save_every == 0 and number < len(new):
            # Not all sentences yet: a digest that no set has.
            _write(path, dict(meta, sentences_sha1=''), kept, list(kept))
    _write(path, meta, kept, list(sentences))
    return dict(parsed=len(new), kept=count)


def _known(path: PathLike, meta: Dict[str, Any]) -> Dict[str, Any]:
    if not Path(path).is_file():
        return {}
    found, raw = _read(path)
    return raw if all(found.get(key) == meta[key] for key in ('parser', 'version')) else {}


def _write(path: PathLike, meta: Dict[str, Any], graphs: Dict[str, Any], order: List[str]) -> None:
    # One graph a line: half the time of one long line in an editor, and a difference can be read.
    rows = [f'{json.dumps("_meta")}: {json.dumps(meta)}']
    rows += [f'{json.dumps(key)}: {json.dumps(graphs[key], ensure_ascii=False)}' for key in order]
    write_if_changed(path, '{\n' + ',\n'.join(rows) + '\n}\n')
