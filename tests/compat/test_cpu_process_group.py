import os

import pytest
import torch
import torch.distributed as torch_dist
from mmengine.dist import utils

from vlplugins.compat import cpu_process_group

pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason='a GPU is here, and may be named')


@pytest.fixture
def one_process(monkeypatch, tmp_path):
    for name, value in dict(RANK=0, LOCAL_RANK=0, WORLD_SIZE=1).items():
        monkeypatch.setenv(name, str(value))
    yield dict(backend='gloo', init_method=f'file://{tmp_path}/group', rank=0, world_size=1)
    if torch_dist.is_initialized():
        torch_dist.destroy_process_group()


def test_launcher_forms_a_group_of_cpu_processes(one_process):
    set_device = torch.cuda.set_device
    utils.init_dist('pytorch', **one_process)
    assert torch_dist.get_backend() == 'gloo'
    assert torch.cuda.set_device is set_device


def test_upstream_still_needs_the_workaround(one_process):
    """When this fails, MMEngine is mended: the workaround may go."""
    with pytest.raises((AttributeError, RuntimeError, AssertionError), match='cuda|CUDA|NVIDIA'):
        utils._init_dist_pytorch.__wrapped__(**one_process)
    assert not torch_dist.is_initialized()


def test_installing_again_wraps_no_wrapper():
    for name in cpu_process_group._LAUNCHERS:
        before = getattr(utils, name)
        cpu_process_group.install()
        assert getattr(utils, name) is before and not hasattr(before.__wrapped__, '__wrapped__')


def test_a_gpu_is_named_where_there_is_one(monkeypatch):
    named = []
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'set_device', named.append)
    launch = cpu_process_group._without_gpu(lambda: torch.cuda.set_device(int(os.environ.get('LOCAL_RANK', 3))))
    launch()
    assert named
