"""ARCHITECTURE.md is true: what it names exists, every folder is named, and imports go the way it says."""

import ast
import re
from collections import defaultdict
from itertools import product
from pathlib import Path

import pytest

from tests.helpers.tiny_configs import ROOT

TEXT = (ROOT / 'ARCHITECTURE.md').read_text()
# Where the page stands for one of many.
SAMPLES = {'configs/<method>/': 'configs/slimclr/', 'configs/<method>/demo.yml': 'configs/slimclr/demo.yml'}
PACKAGE = ROOT / 'vlplugins'


def expand(name):
    """``a/{b,c}/`` to ``a/b/`` and ``a/c/``."""
    parts = [part.split(',') for part in re.split(r'[{}]', name)]
    return [''.join(choice) for choice in product(*parts)]


def rows():
    """Folders of the table, and what each may know."""
    found = re.findall(r'^\| (`.*?`) \| .* \| (.*) \|$', TEXT, re.MULTILINE)
    return {
        folder: allowed for cell, allowed in found for name in re.findall(r'`(.*?)`', cell) for folder in expand(name)
    }


def named_paths():
    words = re.findall(r'`([\w./<>{},-]+)`', TEXT)
    return sorted({SAMPLES.get(path, path) for word in words if re.match(r'(vlplugins|configs|tests|tools)/', word)
                   for path in expand(word) if '*' not in path})  # fmt: skip


@pytest.mark.parametrize('path', named_paths())
def test_what_the_page_names_exists(path):
    assert (ROOT / path).exists()


def test_every_folder_of_the_package_is_named():
    named = rows()
    folders = {f'{path.parent.relative_to(ROOT)}/' for path in PACKAGE.rglob('*.py')}
    above = {'vlplugins/', 'vlplugins/models/', 'vlplugins/engine/', 'vlplugins/evaluation/'}
    # A room may have closets, as models/layers/ has; datasets/ is a floor of rooms.
    rooms = set(named) - {'vlplugins/datasets/'}
    inner = {each for each in folders if any(each.startswith(room) for room in rooms)}
    assert not folders - above - inner - set(named)


@pytest.mark.parametrize('name', re.findall(r'`((?:[A-Z][a-z]+\w*){2,})`', TEXT))
def test_parts_that_the_page_names_exist(name):
    if name == 'BaseMetric':
        return
    assert any(re.search(rf'^class {name}\b', path.read_text(), re.MULTILINE) for path in PACKAGE.rglob('*.py'))


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix('').parts
    return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


def imports(path, only_at_import=False):
    """Modules of the package that a file imports; by default those inside functions too."""
    tree = ast.parse(path.read_text())
    for node in tree.body if only_at_import else ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or not (node.module or '').startswith('vlplugins'):
            continue
        for alias in node.names:
            below = ROOT.joinpath(*node.module.split('.'), alias.name)
            is_module = below.is_dir() or below.with_suffix('.py').exists()
            yield f'{node.module}.{alias.name}' if is_module else node.module


def test_no_module_imports_in_a_circle():
    graph = {
        module_name(path): set(imports(path, True)) for path in PACKAGE.rglob('*.py') if path.name != '__init__.py'
    }
    done, open_ = set(), []

    def visit(name):
        if name in open_:
            raise AssertionError(' -> '.join([*open_[open_.index(name) :], name]))
        if name in done:
            return
        open_.append(name)
        for other in graph.get(name, ()):
            visit(other)
        done.add(open_.pop())

    for name in graph:
        visit(name)


def folder_of(name, folders):
    """The most special folder of the table that a module belongs to."""
    path = name.replace('.', '/')
    return max((folder for folder in folders if f'{path}/'.startswith(folder)), key=len, default=None)


def test_imports_go_the_way_of_the_table():
    table = {name: allowed for name, allowed in rows().items() if name.startswith('vlplugins/') and name.endswith('/')}
    wrong = defaultdict(set)
    for path in PACKAGE.rglob('*.py'):
        own = folder_of(module_name(path), table)
        if own is None or path.name == '__init__.py' or 'all of the above' in table[own]:
            continue
        known = [f'vlplugins/{each}' for each in re.findall(r'`([\w/]+)`', table[own])]
        known += ['vlplugins/models'] if 'all of `models`' in table[own] else []
        for name in imports(path):
            target = folder_of(name, table)
            if target not in (None, own) and not any(target.startswith(f'{each}/') for each in known):
                wrong[own].add(f'{path.relative_to(ROOT)}: {name}')
    assert not wrong, dict(wrong)


def test_the_page_is_one_page():
    assert len(TEXT.splitlines()) <= 80
    assert Path(ROOT / 'CONTRIBUTING.md').exists() and '(CONTRIBUTING.md)' in TEXT
