import ast
import importlib
import pkgutil
import sys
from pathlib import Path

import pytest
from mmengine import registry as roots
from mmengine.registry import DefaultScope, Registry

from vlplugins import registry
from vlplugins.registry import HOOKS, MODELS, UnknownTypeError


def test_every_root_registry_has_a_child_with_its_name_and_locations():
    for name in dir(roots):
        root = getattr(roots, name)
        if isinstance(root, Registry):
            child = getattr(registry, name)
            assert child.parent is root and child.scope == 'vlplugins' and child.name == root.name
            assert child._locations and all(each.startswith('vlplugins.') for each in child._locations)


def test_default_scope_alone_finds_every_part():
    with roots.MODELS.switch_scope_and_registry('vlplugins') as models:
        assert models.get('SlimmableResNet').__module__.startswith('vlplugins')
    with roots.HOOKS.switch_scope_and_registry('vlplugins') as hooks:
        assert 'SlowStartHook' in hooks and 'CheckpointHook' in hooks


def test_parts_of_other_packages_by_scope_both_ways():
    from mmdet.registry import MODELS as DET_MODELS

    assert MODELS.get('mmdet.FPN').__name__ == 'FPN'
    assert MODELS.get('mmaction.STGCN').__name__ == 'STGCN'
    assert MODELS.get('mmpose.TCN').__name__ == 'TCN'
    assert DET_MODELS.get('vlplugins.SlimmableResNet').__name__ == 'SlimmableResNet'


@pytest.mark.parametrize('scope', ['mmdet', 'mmaction', 'mmpose'])
def test_our_parts_are_built_in_the_scope_of_another_package(scope):
    """Through its own registry, and through the root in its scope, as a runner does it."""
    cfg = dict(type='vlplugins.SlimmableResNet', depth=18, base_channels=4, widths=(1.0,))
    theirs = importlib.import_module(f'{scope}.registry')
    assert type(theirs.MODELS.build(dict(cfg))).__module__.startswith('vlplugins.')
    with roots.MODELS.switch_scope_and_registry(scope) as models:
        assert models.scope == scope
        assert type(roots.MODELS.build(dict(cfg))).__name__ == 'SlimmableResNet'
        assert type(roots.HOOKS.build(dict(type='vlplugins.EpochSeedHook'))).__name__ == 'EpochSeedHook'
        with pytest.raises(UnknownTypeError, match="'SlimmableResNet'"):
            theirs.MODELS.build(dict(cfg, type='vlplugins.SlimableResNet'))


def test_defaults_name_the_scope_of_our_parts():
    """A bare type would be looked up in the scope of the run, which may be that of another package."""
    package = Path(registry.__file__).parent
    registries = [each for each in vars(registry).values() if isinstance(each, Registry)]
    for module in pkgutil.walk_packages([str(package)], 'vlplugins.'):
        importlib.import_module(module.name)
    ours = {name for each in registries for name in each.module_dict}
    bare = set()
    for path in package.rglob('*.py'):
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        types = [key.value for call in calls for key in call.keywords if key.arg == 'type']
        named = [value.value for value in types if isinstance(value, ast.Constant)]
        bare |= {f'{path.relative_to(package)}: {name}' for name in named if name in ours}
    assert 'SlimmableResNet' in ours and not bare


@pytest.mark.parametrize(
    'asked, near', [('SlimmableResnet', 'SlimmableResNet'), ('SlimResNet', 'SlimmableResNet'), ('mmdet.FPNN', 'FPN')]
)
def test_misspelt_type_names_the_nearest(asked, near):
    with pytest.raises(UnknownTypeError, match=f"'{near}'"):
        MODELS.build(dict(type=asked))


def test_nothing_near_says_so_and_membership_does_not_raise():
    with pytest.raises(UnknownTypeError, match='No registered name is near'):
        MODELS.get('Qqqqqq')
    assert 'Qqqqqq' not in MODELS and 'EpochSeedHook' in HOOKS


def test_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(registry.importlib.util, 'find_spec', lambda name: None)
    assert 'needs the package mmaction2' in MODELS.explain_missing('mmaction.Nothing')


def test_scope_of_the_run_is_left_alone():
    current = DefaultScope.get_current_instance()
    with pytest.raises(UnknownTypeError):
        MODELS.get('Nothing')
    assert DefaultScope.get_current_instance() is current


def test_part_over_another_package_is_imported_when_it_is_looked_up(tmp_path, monkeypatch):
    (tmp_path / 'lazy_part.py').write_text(
        'from vlplugins.registry import MODELS\n@MODELS.register_module()\nclass LazyPart:\n    pass\n'
    )
    (tmp_path / 'lazy_lack.py').write_text("raise ModuleNotFoundError('no mmdet', name='mmdet')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(MODELS, '_modules_of_names', {})
    MODELS.register_lazily('lazy_part', 'LazyPart')
    MODELS.register_lazily('lazy_lack', 'LackingPart')
    assert 'lazy_part' not in sys.modules and MODELS.nearest_names('LazyPrat') == ['LazyPart']
    try:
        assert type(roots.MODELS.build(dict(type='vlplugins.LazyPart'))).__name__ == 'LazyPart'
        assert 'LazyPart' in MODELS
    finally:
        MODELS.module_dict.pop('LazyPart', None)
    with pytest.raises(ImportError, match="'LackingPart' needs the package mmdet.*pip install"):
        MODELS.get('LackingPart')
