"""Keep the vectors of the words of some annotation files, out of a text file such as GloVe's, as .npz.

Example: python tools/dataset_converters/word_vectors_to_npz.py glove.6B.300d.txt --out data/charades_cg/words.npz \\
             --graphs data/charades_cg/graphs/*.json
A line of the text is a word and its numbers. Words of all splits are kept where they have a vector: a word that is new
in a test is known by its vector alone. Words without one become the unknown word, and are counted.
"""

import argparse
import json
from collections import Counter
from typing import Dict, List, Optional

import numpy as np

from vlplugins.utils.cli import friendly_errors
from vlplugins.utils.records import RecordError
from vlplugins.utils.word_vectors import write_word_vectors


def count_words(paths: List[str]) -> Counter:
    """How often each word of files of graphs occurs."""
    words: Counter = Counter()
    for path in paths:
        with open(path, encoding='utf-8') as file:
            content = json.load(file)
        for key, graph in content.items():
            if key != '_meta':
                words.update(graph['tokens'])
    return words


def read_vectors(path: str, words: Counter) -> Dict[str, np.ndarray]:
    """Vectors of the words that the text has.

    Raises:
        RecordError: a line of another length, or without numbers.
    """
    found: Dict[str, np.ndarray] = {}
    width = 0
    with open(path, encoding='utf-8') as file:
        for number, line in enumerate(file, 1):
            word, _, rest = line.rstrip('\n').partition(' ')
            if word not in words:
                continue
            try:
                vector = np.array(rest.split(), dtype=np.float32)
            except ValueError:
                raise RecordError(path, f'{rest[:30]!r}', 'a word and its numbers', f'line {number}') from None
            width = width or len(vector)
            if len(vector) != width or not width:
                raise RecordError(path, f'{len(vector)} numbers', f'{width} numbers', f'line {number}')
            found[word] = vector
    return found


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Convert."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('vectors', help='text file of vectors')
    parser.add_argument('--graphs', nargs='+', required=True, help='files of parse_query_graphs.py, of all splits')
    parser.add_argument('--out', required=True, help='the .npz file')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args(argv)
    words = count_words(args.graphs)
    vectors = read_vectors(args.vectors, words)
    if not vectors:
        raise RecordError(args.vectors, f'none of {len(words)} words', 'a word and its numbers on each line')
    names = sorted(vectors)
    write_word_vectors(args.out, names, np.stack([vectors[name] for name in names]))
    missing = sum(count for word, count in words.items() if word not in vectors)
    print(f'{args.out}: {len(names)} of {len(words)} words; {missing} of {sum(words.values())} tokens are unknown')


if __name__ == '__main__':
    main()
