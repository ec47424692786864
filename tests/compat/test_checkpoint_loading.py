import os
import pickle

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer
from mmengine.runner.checkpoint import CheckpointLoader, load_checkpoint

from tests.helpers.tiny_training import LinearModel, make_runner
from vlplugins.utils.safe_pickle import CheckpointError, UnsafePickleError


class Payload:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f'touch {self.marker}',)


def load(path):
    return CheckpointLoader.load_checkpoint(str(path), map_location='cpu')


@pytest.mark.parametrize('zipped', [True, False])
def test_checkpoint_that_calls_the_shell_is_refused_and_nothing_runs(tmp_path, zipped):
    path, marker = tmp_path / 'evil.pth', tmp_path / 'ran'
    content = dict(state_dict=LinearModel().state_dict(), meta=dict(note=Payload(marker)))
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(UnsafePickleError, match=r'evil.pth.*posix.system'):
        load(path)
    with pytest.raises(UnsafePickleError):
        load_checkpoint(LinearModel(), str(path))
    assert not marker.exists()


@pytest.mark.parametrize('zipped', [True, False])
def test_contents_of_public_checkpoints_load(tmp_path, zipped):
    path = tmp_path / 'x.pth'
    content = dict(
        state_dict={'a': torch.randn(2, 3, dtype=torch.float16), 'b': torch.nn.Parameter(torch.ones(2))},
        optimizer=torch.optim.AdamW([torch.nn.Parameter(torch.ones(1))]).state_dict(),
        meta=dict(
            dataset_meta=dict(classes=('a', 'b'), sigmas=np.ones(3), size=np.float32(1.5)),
            cfg=ConfigDict(a=1),
            seed=None,
        ),
        message_hub=dict(log_scalars={'loss': HistoryBuffer([1.0], [1])}),
    )
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    loaded = load(path)
    assert torch.equal(loaded['state_dict']['a'], content['state_dict']['a'])
    assert loaded['meta']['dataset_meta']['size'] == 1.5 and loaded['meta']['cfg'].a == 1
    assert loaded['message_hub']['log_scalars']['loss'].current() == 1.0


def test_training_resumes(tmp_path):
    scheduler = dict(type='CosineAnnealingLR', T_max=3)
    make_runner(tmp_path, epochs=2, param_scheduler=scheduler).train()
    runner = make_runner(tmp_path, epochs=3, param_scheduler=scheduler, resume=True)
    runner.train()
    assert runner.epoch == 3 and len(runner.model.seen) == 2


def test_upstream_still_needs_the_workaround(tmp_path):
    """When this fails, MMEngine or torch have mended it: the loader is then needed for its safety alone."""
    make_runner(tmp_path, epochs=1).train()
    with pytest.raises(pickle.UnpicklingError, match='HistoryBuffer'):
        torch.load(tmp_path / 'epoch_1.pth')


@pytest.mark.parametrize('damage', ['empty', 'cut', 'text', 'flipped'])
def test_damaged_files_give_one_message_with_the_name(tmp_path, damage):
    path = tmp_path / 'epoch_3.pth'
    torch.save(dict(state_dict=LinearModel().state_dict()), path)
    data = path.read_bytes()
    path.write_bytes(
        dict(empty=b'', cut=data[: len(data) // 2], text=b'not a checkpoint at all', flipped=b'PK' + data[200:])[damage]
    )
    with pytest.raises(CheckpointError, match=r'epoch_3.pth \(\d+ bytes\) is damaged or no checkpoint'):
        load(path)


def test_missing_file_and_program_archives_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match='absent.pth'):
        load(tmp_path / 'absent.pth')
    torch.jit.save(torch.jit.trace(torch.nn.Linear(1, 1), torch.ones(1, 1)), str(tmp_path / 'program.pth'))
    with pytest.raises(CheckpointError, match='TorchScript'):
        load(tmp_path / 'program.pth')


def test_downloads_go_through_the_same_loader(tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    marker = tmp_path / 'ran'

    def download(url, path, progress=True):
        torch.save(dict(state_dict=Payload(marker)), path)

    monkeypatch.setattr(torch.hub, 'download_url_to_file', download)
    with pytest.raises(UnsafePickleError, match='posix.system'):
        load('https://example.org/model.pth')
    assert not marker.exists()
