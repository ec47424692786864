import numpy as np
import pytest
from mmengine.registry import init_default_scope

from tests.helpers.grounding import REAL_CHARADES, annotations, write
from tests.helpers.records import refused
from vlplugins.datasets import ActivityNetCG, CharadesCG, CompositionalGroundingDataset
from vlplugins.datasets.formats.compositional_annotations import CompositionalFile
from vlplugins.datasets.sentence_graph import write_graphs
from vlplugins.datasets.synthetic.compositional_grounding import TemplateParser


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope('vlplugins')


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / 'novel_word.json', annotations())
    (tmp_path / 'features').mkdir()
    for name in ('v1', 'v2'):
        np.save(tmp_path / 'features' / f'{name}.npy', np.ones((5, 3), np.float32))
    return tmp_path


def make(folder, ann_file='novel_word.json', **options):
    options = dict(dict(data_prefix=dict(video='features')), **options)
    return CompositionalGroundingDataset(ann_file=ann_file, data_root=str(folder), **options)


def test_records(folder):
    dataset = make(folder)
    assert len(dataset) == 3
    record = dataset.get_data_info(2)
    assert record['query_id'] == 'novel_word/v2#1' and record['split'] == 'novel_word'
    assert record['segment'] == (3.5, 9.0) and record['feature_files'] == dict(video=f'{folder}/features/v2.npy')
    assert 'graph' not in record
    # A sentence may be in two splits: its id holds the split.
    assert make(folder, split='other').get_data_info(2)['query_id'] == 'other/v2#1'


def test_graphs_come_with_their_sentences(folder):
    file = CompositionalFile(folder / 'novel_word.json')
    write_graphs(folder / 'graphs.json', dict.fromkeys(file.sentences, 'person opens the door.'), TemplateParser())
    with refused('graphs of other sentences'):
        make(folder, graph_file='graphs.json')
    content = annotations()
    content['v2'].update(sentences=['person closes the box.', 'person opens the box.'])
    write(folder / 'novel_word.json', content)
    file = CompositionalFile(folder / 'novel_word.json')
    write_graphs(folder / 'graphs.json', file.sentences, TemplateParser())
    assert make(folder, graph_file='graphs.json').get_data_info(1)['graph'].tokens[1] == 'closes'


def test_missing_features_are_an_error_or_counted_never_zeros(folder):
    (folder / 'features' / 'v2.npy').unlink()
    with pytest.raises(FileNotFoundError, match='the video v2.*v2.npy'):
        make(folder)
    dataset = make(folder, skip_missing=True)
    assert len(dataset) == 1 and dataset.left_out.total == 1
    (folder / 'features' / 'v1.npy').unlink()
    with refused('no query .1|no query'):
        make(folder, skip_missing=True)


def test_held_out_videos_are_disjoint_and_complete(tmp_path):
    content = {f'v{n}': annotations()['v2'] for n in range(200)}
    write(tmp_path / 'train.json', content)
    options = dict(ann_file='train.json', data_prefix=dict(video='f'), val_fraction=0.2)
    (tmp_path / 'f').mkdir()
    for name in content:
        np.save(tmp_path / 'f' / f'{name}.npy', np.ones((1, 1), np.float32))
    sets = [make(tmp_path, subset=subset, **options) for subset in ('train', 'val')]
    videos = [{each.get_data_info(index)['video_id'] for index in range(len(each))} for each in sets]
    assert not videos[0] & videos[1] and len(videos[0] | videos[1]) == 200 and 20 < len(videos[1]) < 60
    records = [each.get_data_info(0) for each in sets]
    assert [record['split'] for record in records] == ['train', 'val']
    assert [record['query_id'].split('/')[0] for record in records] == ['train', 'val']


@pytest.mark.parametrize(
    'options, message',
    [(dict(subset='dev'), "subset 'dev' is unknown"), (dict(subset='val'), 'needs a val_fraction')],
)
def test_wrong_arguments(folder, options, message):
    with pytest.raises(ValueError, match=message):
        make(folder, **options)


@pytest.mark.parametrize('cls', [CharadesCG, ActivityNetCG])
def test_named_sets_take_their_files_by_split(folder, cls):
    dataset = cls(
        split='novel_word', data_root=str(folder), data_prefix=dict(video='features'), graph_file='', test_mode=True
    )
    assert len(dataset) == 3 and dataset.split == 'novel_word' and dataset.metainfo['dataset'].endswith('-CG')
    with pytest.raises(ValueError, match="split 'val' is unknown"):
        cls(split='val')


@pytest.mark.skipif(not REAL_CHARADES.is_dir(), reason='the released annotations are not here')
def test_released_charades_cg_is_a_data_set(tmp_path):
    (tmp_path / 'features').mkdir()
    file = CompositionalFile(REAL_CHARADES / 'novel_word.json')
    for video in {query['video_id'] for query in file.queries}:
        np.save(tmp_path / 'features' / f'{video}.npy', np.zeros((2, 4), np.float32))
    dataset = CharadesCG(
        split='novel_word', data_root=str(REAL_CHARADES), graph_file='', test_mode=True,
        data_prefix=dict(video=str(tmp_path / 'features')),
        pipeline=[dict(type='LoadClipFeatures', modality='video'), dict(type='ResampleFeatures', num_positions=8)],
    )  # fmt: skip
    assert len(dataset) == 695 and dataset[0]['features']['video'].shape == (8, 4)
