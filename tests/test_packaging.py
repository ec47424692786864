import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.slow
def test_wheel_works_from_another_folder_and_holds_configs_and_tools(tmp_path):
    # Built from a copy, so that the source tree gets no build folder.
    source = tmp_path / 'source'
    files = subprocess.run(['git', '-C', ROOT, 'ls-files', '-co', '--exclude-standard'], capture_output=True, text=True)
    for name in files.stdout.splitlines():
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    pip = [sys.executable, '-m', 'pip', 'wheel', '-q', '--no-deps', '--no-build-isolation', '-w', str(tmp_path)]
    subprocess.run([*pip, str(source)], check=True)
    (wheel,) = tmp_path.glob('vlplugins-*.whl')
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path / 'site')
    for name in ('configs/slimclr/slimclr_demo.py', 'tools/train.py', 'model-index.yml'):
        assert f'vlplugins/.mim/{name}' in names
    assert not any(name.startswith('tests') for name in names)
    code = (
        'import vlplugins, sys; from mmengine.config import Config; from vlplugins.registry import MODELS\n'
        'assert "site" in vlplugins.__file__, vlplugins.__file__\n'
        'cfg = Config.fromfile(vlplugins.__path__[0] + "/.mim/configs/slimclr/slimclr_demo.py")\n'
        'assert type(MODELS.build(cfg.model)).__name__ == "SlimmableMoCo"\n'
    )
    environment = dict(os.environ, PYTHONPATH=str(tmp_path / 'site'))
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', code], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_no_path_of_a_machine_is_in_the_project():
    command = ['git', '-C', ROOT, 'grep', '-nIE', r'(^|[^a-zA-Z0-9_.~-])/(work|home|root|farm)/', '--', ':!tests']
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout == ''
