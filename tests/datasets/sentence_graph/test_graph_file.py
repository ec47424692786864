import json

import pytest

from tests.helpers.records import refused
from vlplugins.datasets.sentence_graph import digest_of, key_of, read_graphs, write_graphs
from vlplugins.structures.sentence_graph import SentenceGraph


class OneVerbParser:
    """The second word of each sentence is its action; counts what it is asked."""

    name, version = 'one verb', '1'

    def __init__(self, stop_at=None):
        self.asked, self.stop_at = [], stop_at

    def graphs(self, sentences):
        for sentence in sentences:
            if len(self.asked) == self.stop_at:
                raise KeyboardInterrupt
            self.asked.append(sentence)
            tokens = sentence.split()
            edges = [('event', 0, 'action', 0, 'EVT'), ('action', 0, 'atom', 0, 'ARG0')]
            yield SentenceGraph(tokens, tokens, ['NOUN'] * len(tokens), [[1]], [0], edges)


SENTENCES = {key_of('v', number): f'person verb{number} it' for number in range(7)}


def test_written_graphs_are_read_again(tmp_path):
    path = tmp_path / 'g.json'
    assert write_graphs(path, SENTENCES, OneVerbParser()) == dict(parsed=7, kept=0)
    graphs = read_graphs(path, SENTENCES)
    assert list(graphs) == list(SENTENCES) and graphs['v#3'].tokens[1] == 'verb3'
    meta = json.loads(path.read_text())['_meta']
    assert meta == dict(parser='one verb', version='1', sentences_sha1=digest_of(SENTENCES))


def test_only_new_sentences_are_parsed(tmp_path):
    path = tmp_path / 'g.json'
    write_graphs(path, SENTENCES, OneVerbParser())
    before = path.read_bytes()
    parser = OneVerbParser()
    assert write_graphs(path, SENTENCES, parser) == dict(parsed=0, kept=7) and path.read_bytes() == before
    changed = {**SENTENCES, 'v#2': 'he waves now', 'w#0': 'she waves now'}
    assert write_graphs(path, changed, parser) == dict(parsed=2, kept=6)
    assert parser.asked == ['he waves now', 'she waves now'] and list(read_graphs(path, changed)) == list(changed)
    parser.version = '2'
    assert write_graphs(path, SENTENCES, parser) == dict(parsed=7, kept=0)


def test_a_killed_run_goes_on_and_its_half_is_refused(tmp_path):
    path = tmp_path / 'g.json'
    with pytest.raises(KeyboardInterrupt):
        write_graphs(path, SENTENCES, OneVerbParser(stop_at=5), save_every=2)
    with refused('graphs of other sentences'):
        read_graphs(path, SENTENCES)
    assert write_graphs(path, SENTENCES, OneVerbParser(), save_every=2) == dict(parsed=3, kept=4)


@pytest.mark.parametrize(
    'change, message',
    [
        (lambda raw: raw.pop('_meta'), '_meta'),
        (lambda raw: raw['_meta'].update(sentences_sha1='0'), 'graphs of other sentences'),
        (lambda raw: raw.pop('v#3'), 'record v#3: found no graph'),
        (lambda raw: raw['v#3'].update(atoms=[9]), 'record v#3: found atoms has the token 9'),
        (lambda raw: raw['v#3']['edges'].append(['action', 4, 'atom', 0, 'ARG0']), 'record v#3: found edges'),
        (lambda raw: raw['v#3']['edges'].append(['action', 0, 'atom', 0, 'ROLE']), 'ROLE'),
    ],
)
def test_broken_files_are_refused_with_the_command_that_mends_them(tmp_path, change, message):
    path = tmp_path / 'g.json'
    write_graphs(path, SENTENCES, OneVerbParser())
    raw = json.loads(path.read_text())
    change(raw)
    path.write_text(json.dumps(raw))
    with refused(message) as caught:
        read_graphs(path, SENTENCES)
    assert 'parse_query_graphs.py' in str(caught.value)


def test_missing_file_and_no_json(tmp_path):
    with refused('no such file.*parse_query_graphs'):
        read_graphs(tmp_path / 'none.json', SENTENCES)
    (tmp_path / 'x.json').write_text('{')
    with refused('no JSON'):
        read_graphs(tmp_path / 'x.json', SENTENCES)
