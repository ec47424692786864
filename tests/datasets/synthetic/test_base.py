import json

import pytest

from tests.helpers.processes import run_distributed
from vlplugins.datasets.synthetic import prepare_synthetic_data
from vlplugins.datasets.synthetic.base import SyntheticDataset


class Numbers(SyntheticDataset):
    """Writes its arguments; counts how often."""

    written = 0

    def __init__(self, root, seed=0, size=3):
        super().__init__(root, seed)
        self.size = size

    def write(self, folder):
        type(self).written += 1
        (folder / 'numbers.txt').write_text(f'{self.seed} {self.size}')


@pytest.fixture(autouse=True)
def fresh():
    Numbers.written = 0


def test_set_is_written_once_and_anew_when_its_arguments_change(tmp_path):
    root = tmp_path / 'a' / 'set'
    for _ in range(2):
        assert Numbers(str(root)).prepare() == root
    assert Numbers.written == 1 and (root / 'numbers.txt').read_text() == '0 3'
    Numbers(str(root), size=5).prepare()
    assert Numbers.written == 2 and (root / 'numbers.txt').read_text() == '0 5'
    assert [path.name for path in root.parent.iterdir()] == ['set']


def test_files_of_others_are_not_touched(tmp_path):
    (tmp_path / 'mine.txt').write_text('x')
    with pytest.raises(FileExistsError, match='other files'):
        Numbers(str(tmp_path)).prepare()
    assert (tmp_path / 'mine.txt').read_text() == 'x'


def test_failed_writing_leaves_nothing(tmp_path):
    class Broken(Numbers):
        def write(self, folder):
            super().write(folder)
            raise RuntimeError('disk')

    with pytest.raises(RuntimeError):
        Broken(str(tmp_path / 'set')).prepare()
    assert not list(tmp_path.iterdir())


def _prepare(rank, world, root):
    return str(Numbers(root, size=7).prepare())


def test_two_processes_may_prepare_together(tmp_path):
    root = str(tmp_path / 'set')
    assert run_distributed(_prepare, 2, root) == [root, root]
    assert (tmp_path / 'set' / 'numbers.txt').read_text() == '0 7'


def test_config_asks_for_its_sets(tmp_path):
    generator = dict(type='SyntheticDigits', root=str(tmp_path / 'digits'), num_val=100)
    assert prepare_synthetic_data(dict(synthetic_data=[generator])) == [str(tmp_path / 'digits')]
    assert prepare_synthetic_data(dict()) == []
    fingerprint = json.loads((tmp_path / 'digits' / 'fingerprint.json').read_text())
    assert fingerprint['arguments'] == dict(num_val=100, seed=0)
