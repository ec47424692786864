"""Each check runs in a process of its own, because imports are remembered."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(code, **environment):
    variables = dict(os.environ, PYTHONPATH=str(ROOT), **environment)
    return subprocess.run([sys.executable, '-W', 'ignore', '-c', code], capture_output=True, text=True, env=variables)


def test_workarounds_make_the_packages_import():
    """One process for all: the imports take seconds."""
    done = run(
        # MMEngine itself imports transformers, for one of its optimizers.
        'import mmengine.optim, sys; before = set(sys.modules)\n'
        'import vlplugins\n'
        'new = set(sys.modules) - before\n'
        'assert not {"mmdet", "mmaction", "mmpose", "transformers"} & new, "imported too much"\n'
        'import mmaction.models, mmaction.apis\n'
        'from mmaction.models import DRN\n'
        'try: DRN()\n'
        'except ImportError as error: assert "DRN" in str(error)\n'
        'else: raise AssertionError("the stand-in was built")\n'
        'import mmpose.apis, mmpose.visualization.simcc_vis as simcc\n'
        'import importlib.util\n'
        'present = importlib.util.find_spec("torchvision") is not None\n'
        'assert ("torchvision" in sys.modules) <= present, "the stand-in is still there"\n'
        'import torch\n'
        'image = simcc.ToPILImage()(torch.full((3, 2, 4), 0.5))\n'
        'assert image.size == (4, 2) and image.getpixel((0, 0)) == (127, 127, 127)\n'
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    'module, message',
    [('mmaction.models', 'mmaction.models.localizers.drn'), ('mmpose.visualization', 'torchvision')],
)
def test_upstream_still_needs_the_workarounds(module, message):
    """When this fails, upstream is mended (or torchvision is installed): the workaround may go."""
    if message == 'torchvision' and run('import torchvision').returncode == 0:
        pytest.skip('torchvision is installed')
    done = run(f'import {module}')
    assert done.returncode != 0 and message in done.stderr


def test_multimodal_extra_is_off_only_where_timm_cannot_be_imported():
    done = run(
        'import vlplugins, sys, types\n'
        'from vlplugins.compat.mmaction_multimodal import _switch_off\n'
        'dependency = types.SimpleNamespace(WITH_MULTIMODAL=True)\n'
        'sys.modules["timm"] = None\n'
        '_switch_off(dependency)\n'
        'assert dependency.WITH_MULTIMODAL is False\n'
        'sys.modules["timm"] = types.ModuleType("timm")\n'
        'dependency = types.SimpleNamespace(WITH_MULTIMODAL=True)\n'
        '_switch_off(dependency)\n'
        'assert dependency.WITH_MULTIMODAL is True\n'
    )
    assert done.returncode == 0, done.stderr


def test_package_imports_without_the_optional_packages():
    done = run(
        'import sys\n'
        'absent = "mmdet mmaction mmpose sklearn lmdb matplotlib.pyplot mmcv._ext mmcv.ops"\n'
        'for name in absent.split():\n'
        '    sys.modules[name] = None\n'
        'import importlib, pkgutil, vlplugins, vlplugins.registry as registries\n'
        'known = [each for each in vars(registries).values() if isinstance(each, registries.Registry)]\n'
        'for module in pkgutil.walk_packages(vlplugins.__path__, "vlplugins."):\n'
        '    lazy = {name for registry in known for name in registry._modules_of_names.values()}\n'
        '    if module.name not in lazy:\n'
        '        importlib.import_module(module.name)\n'
        'from vlplugins.utils.optional import require\n'
        'try: require("mmdet", "a detector")\n'
        'except ImportError as error:\n'
        '    assert str(error) == "a detector needs the package mmdet: pip install --no-deps mmdet"\n'
        'else: raise AssertionError\n'
    )
    assert done.returncode == 0, done.stderr
