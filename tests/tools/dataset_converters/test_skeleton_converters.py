from tests.helpers.skeletons import person
from tests.helpers.tools import mistake
from tools.dataset_converters import ntu_skeleton_to_pickle, utkinect_to_pickle
from vlplugins.datasets.synthetic import SyntheticUTKinect
from vlplugins.datasets.synthetic.skeleton_files import format_skeleton_file
from vlplugins.utils import safe_pickle


def test_ntu_twice_with_a_list(tmp_path, capsys):
    raw = tmp_path / 'raw'
    raw.mkdir()
    for name in ('S001C002P001R001A001', 'S001C001P003R001A002', 'S001C001P003R001A003'):
        (raw / f'{name}.skeleton').write_text(format_skeleton_file([person(14)]))
    (tmp_path / 'missing.txt').write_text('S001C001P003R001A003\n')
    arguments = [str(raw), str(tmp_path / 'ntu.pkl'), '--missing', str(tmp_path / 'missing.txt')]
    ntu_skeleton_to_pickle.main(arguments)
    first = capsys.readouterr().out
    assert '3 clips read, 2 kept' in first and 'listed as missing' in first and 'written' in first
    ntu_skeleton_to_pickle.main(arguments)
    assert 'is up to date' in capsys.readouterr().out
    assert sorted(safe_pickle.load(tmp_path / 'ntu.pkl')['split']) == [
        'xsub_train',
        'xsub_val',
        'xview_train',
        'xview_val',
    ]
    assert 'no such folder' in mistake(capsys, ntu_skeleton_to_pickle, tmp_path / 'none', tmp_path / 'x.pkl')
    (raw / 'S001C001P003R001A002.skeleton').write_text('5\n')
    assert 'S001C001P003R001A002' in mistake(capsys, ntu_skeleton_to_pickle, *arguments)


def test_utkinect_twice(tmp_path, capsys):
    root = SyntheticUTKinect(str(tmp_path / 'set'), subjects=2, takes=1).prepare()
    for last in ('written', 'is up to date'):
        utkinect_to_pickle.main([str(root), str(tmp_path / 'ut.pkl')])
        out = capsys.readouterr().out
        assert '20 clips read, 19 kept' in out and out.strip().endswith(last)
    assert 'no such folder' in mistake(capsys, utkinect_to_pickle, tmp_path / 'none', tmp_path / 'x.pkl')
