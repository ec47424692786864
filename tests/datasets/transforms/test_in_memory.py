import random

import numpy as np
import pytest
from mmcv.transforms import BaseTransform

from vlplugins.datasets.transforms import KeepInMemory
from vlplugins.registry import TRANSFORMS


class Count(BaseTransform):
    """Squares a number, and counts how often."""

    def __init__(self):
        self.calls = 0

    def transform(self, results):
        self.calls += 1
        return None if results['number'] < 0 else dict(results, square=np.array(results['number'] ** 2))


class Draw(BaseTransform):
    def __init__(self, source):
        self.source = source

    def transform(self, results):
        return dict(results, drawn=self.source())


def test_each_record_is_made_once():
    count = Count()
    transform = KeepInMemory([count])
    for _ in range(3):
        assert [int(transform(dict(sample_idx=i, number=i))['square']) for i in range(4)] == [0, 1, 4, 9]
    assert count.calls == 4


def test_keys_that_are_set_later_do_not_stay():
    transform = KeepInMemory([Count()])
    first = transform(dict(sample_idx=0, number=3))
    first['square'], first['late'] = None, True
    again = transform(dict(sample_idx=0, number=3))
    assert int(again['square']) == 9 and 'late' not in again


def test_refused_record_is_asked_again():
    count = Count()
    transform = KeepInMemory([count])
    assert transform(dict(sample_idx=0, number=-1)) is None and transform(dict(sample_idx=0, number=-1)) is None
    assert count.calls == 2


@pytest.mark.parametrize('source', [np.random.rand, random.random])
def test_transforms_that_draw_are_refused(source):
    with pytest.raises(ValueError, match=r'KeepInMemory\(Draw\) draw random numbers'):
        KeepInMemory([Draw(source)])(dict(sample_idx=0))


def test_record_without_index_is_refused():
    with pytest.raises(ValueError, match=r"the keys \['number'\] has no sample_idx"):
        KeepInMemory([Count()])(dict(number=1))


def test_transforms_are_built_from_configs():
    transforms = [dict(type='vlplugins.LoadStatementGraph')]
    built = TRANSFORMS.build(dict(type='vlplugins.KeepInMemory', transforms=transforms))
    assert repr(built) == 'KeepInMemory(LoadStatementGraph)'
