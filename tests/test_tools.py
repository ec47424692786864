"""Every tool says what it does, gives an example that exists, and tells an unknown argument."""

import importlib.util
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PYTHON_TOOLS = sorted(ROOT.glob('tools/**/*.py'))
SHELL_TOOLS = sorted(ROOT.glob('tools/**/*.sh'))


def name_of(path):
    return str(path.relative_to(ROOT))


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize('path', PYTHON_TOOLS, ids=name_of)
def test_help_tells_what_a_python_tool_does(path, capsys, monkeypatch):
    tool = load(path)
    monkeypatch.setattr('sys.argv', [name_of(path), '--help'])
    with pytest.raises(SystemExit) as caught:
        tool.main()
    shown = capsys.readouterr().out
    assert caught.value.code == 0 and tool.__doc__.splitlines()[0] in ' '.join(shown.split('\n'))
    assert name_of(path) in tool.__doc__, 'the example names the tool'
    for config in re.findall(r'configs/\S+\.py', tool.__doc__):
        assert (ROOT / config).is_file(), config


@pytest.mark.parametrize('path', PYTHON_TOOLS, ids=name_of)
def test_unknown_arguments_are_told(path, capsys, monkeypatch):
    monkeypatch.setattr('sys.argv', [name_of(path), '--no-such-argument'])
    with pytest.raises(SystemExit) as caught:
        load(path).main()
    message = capsys.readouterr().err
    assert caught.value.code == 2 and 'Traceback' not in message and message.strip()


@pytest.mark.parametrize('path', SHELL_TOOLS, ids=name_of)
def test_help_of_a_shell_tool(path):
    done = subprocess.run(['bash', path, '--help'], capture_output=True, text=True)
    assert done.returncode == 0 and f'bash {name_of(path)}' in done.stdout
    wrong = subprocess.run(['bash', path], capture_output=True, text=True)
    assert wrong.returncode == 2 and 'usage' in wrong.stdout
