from importlib.metadata import PackageNotFoundError

import pytest

from vlplugins.utils.versions import check_dependencies, release

GOOD = {'torch': '2.13.0+cpu', 'mmengine': '0.10.7', 'mmcv': '2.1.0'}


def versions(**changes):
    installed = {**GOOD, **changes}

    def version_of(name):
        if installed.get(name) is None:
            raise PackageNotFoundError(name)
        return installed[name]

    return version_of


@pytest.mark.parametrize('torch', ['2.6.0', '2.11.0+cu130', '2.13.0.dev20260101', '2.13'])
def test_supported_versions_pass(torch):
    check_dependencies(versions(torch=torch))


def test_light_builds_count():
    check_dependencies(versions(**{'mmcv': None, 'mmcv-lite': '2.1.0'}))


@pytest.mark.parametrize(
    'name, version', [('torch', '2.5.1'), ('torch', '2.14.0'), ('mmengine', '0.9.1'), ('mmcv', '2.2.0')]
)
def test_unsupported_versions_are_refused_in_one_line(name, version):
    with pytest.raises(ImportError) as caught:
        check_dependencies(versions(**{name: version}))
    message = str(caught.value)
    assert f'found {version}' in message and f'needs {name} >=' in message and '\n' not in message


def test_missing_package_is_named():
    with pytest.raises(ImportError, match='mmcv.*not installed'):
        check_dependencies(versions(mmcv=None))


def test_release_numbers():
    assert release('2.13.0+cu130') == (2, 13, 0) and release('2.1rc4') == (2, 1)
