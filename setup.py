"""Packaging. Configs and tools are shipped inside the wheel under ``vlplugins/.mim``, as OpenMMLab packages do."""

import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent


class BuildWithConfigs(build_py):
    """Copies configs, tools and the model index into the built package; the source tree stays as it is."""

    def run(self) -> None:
        """Build, then copy."""
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib, 'vlplugins', '.mim')
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for name in ('configs', 'tools'):
            shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns('__pycache__', '*.pyc'))
        shutil.copy(ROOT / 'model-index.yml', target)


def read_requirements(name: str) -> list:
    """Requirements of a file, without comments."""
    lines = (ROOT / 'requirements' / f'{name}.txt').read_text(encoding='utf-8').splitlines()
    return [line.split('#')[0].strip() for line in lines if line.split('#')[0].strip()]


setup(
    name='vlplugins',
    version=re.search(r"__version__ = '(.+)'", (ROOT / 'vlplugins' / 'version.py').read_text()).group(1),
    description='Research methods for vision and language as OpenMMLab plugins on MMEngine',
    long_description=(ROOT / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    python_requires='>=3.10,<3.13',
    packages=find_packages(include=['vlplugins', 'vlplugins.*']),
    cmdclass=dict(build_py=BuildWithConfigs),
    # Without torch, mmengine and mmcv: an environment has builds of them that fit it, which pip would replace. Their
    # versions are checked on import.
    install_requires=['matplotlib', 'numpy', 'pyyaml', 'rich'],
    extras_require=dict(
        all=read_requirements('runtime'), mmlab=read_requirements('mmlab'), tests=read_requirements('tests')
    ),
)
