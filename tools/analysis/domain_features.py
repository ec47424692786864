"""Draw pooled features of images of several domains in the plane, before and after training.

Example: python tools/analysis/domain_features.py configs/vdd/vdd_demo.py --checkpoints none work_dirs/vdd_demo/epoch_5.pth --domain sun=data/synthetic/weather_voc/daytime_sunny/JPEGImages --domain night=data/synthetic/weather_voc/night_rainy/JPEGImages
'none' stands for random weights. A point is an image: the mean of a part of its map over all places. Beside each title
stands how well a linear classifier tells the domains apart by these features, in five-fold cross-validation.
"""  # noqa: E501  (an example is one line)

import argparse
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import numpy as np
import torch
from mmengine.registry import VISUALIZERS, init_default_scope

import vlplugins  # noqa: F401  (checks versions and installs the workarounds)
from vlplugins.apis import DomainAdaptiveDetInferencer
from vlplugins.datasets.formats.images import IMAGE_EXTENSIONS
from vlplugins.utils.cli import UsageError, add_config_options, friendly_errors, load_config
from vlplugins.utils.optional import require

PARTS = ('base', 'invariant', 'specific')


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('--checkpoints', nargs='+', required=True, help="weights, each a panel; 'none': random ones")
    parser.add_argument('--domain', action='append', required=True, help='NAME=FOLDER of its images; two or more')
    parser.add_argument('--part', choices=PARTS, default='invariant', help='which map (default: invariant)')
    parser.add_argument('--method', choices=['pca', 'tsne'], default='tsne', help='projection (default: tsne)')
    parser.add_argument('--number', type=int, default=100, help='most images of a domain (default: 100)')
    parser.add_argument('--seed', type=int, default=0, help='seed of random weights and of t-SNE')
    parser.add_argument('--out', default='work_dirs/domain_features.png', help='the picture')
    parser.add_argument('--device', help='where to run (default: a GPU where there is one)')
    add_config_options(parser)
    return parser.parse_args(argv)


def images_of(domains: List[str], number: int) -> Tuple[List[Path], List[str]]:
    """Paths of the images, and the domain of each.

    Raises:
        UsageError: fewer than two domains, one without images, or an argument that is not ``NAME=FOLDER``.
    """
    paths: List[Path] = []
    names: List[str] = []
    if len(domains) < 2:
        raise UsageError(f'--domain is given {len(domains)} times; expected two domains or more')
    for each in domains:
        name, equals, folder = each.partition('=')
        if not equals:
            raise UsageError(f'--domain {each}: expected NAME=FOLDER')
        found = sorted(path for path in Path(folder).glob('*') if path.suffix.lower() in IMAGE_EXTENSIONS)[:number]
        if len(found) < 5:
            raise UsageError(f'--domain {each}: found {len(found)} images in {folder}; expected 5 or more')
        paths += found
        names += [name] * len(found)
    return paths, names


@torch.no_grad()
def pooled_features(detector: DomainAdaptiveDetInferencer, paths: List[Path], part: str, size: int = 8) -> np.ndarray:
    """Mean of a part of the map of each image over all places, ``[N, C]``; of a pyramid, that of its last level."""
    rows = []
    for begin in range(0, len(paths), size):
        batch = detector.collate_fn([detector.pipeline(str(path)) for path in paths[begin : begin + size]])
        images = detector.model.data_preprocessor(batch, False)['inputs']
        rows.append(getattr(detector.model.decompose(images)[-1], part).float().mean(dim=(2, 3)).cpu())
    return torch.cat(rows).numpy()


def separability(features: np.ndarray, names: List[str]) -> float:
    """Accuracy of a linear classifier of the domains in five-fold cross-validation, from 0 to 1."""
    linear, selection = (require(f'sklearn.{name}', 'domain_features') for name in ('linear_model', 'model_selection'))
    scaled = (features - features.mean(axis=0)) / (features.std(axis=0) + 1e-6)
    return float(selection.cross_val_score(linear.LogisticRegression(max_iter=1000), scaled, names, cv=5).mean())


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Compute and draw."""
    args = parse_args(argv)
    paths, names = images_of(args.domain, args.number)
    cfg = load_config(args.config, args.cfg_options)
    init_default_scope(cfg.get('default_scope') or 'vlplugins')
    panels: Dict[str, np.ndarray] = {}
    for checkpoint in args.checkpoints:
        random = checkpoint == 'none'
        if not random and not Path(checkpoint).is_file():
            raise UsageError(f'no such checkpoint: {checkpoint}')
        torch.manual_seed(args.seed)
        detector = DomainAdaptiveDetInferencer(cfg, None if random else checkpoint, device=args.device)
        if not hasattr(detector.model, 'decompose'):
            raise UsageError(f'a {type(detector.model).__name__} divides no map')
        features = pooled_features(detector, paths, args.part)
        accuracy = separability(features, names)
        title = 'random weights' if random else Path(checkpoint).stem
        print(f'{checkpoint}: {args.part}, domains told apart {accuracy:.3f}')
        panels[f'{title} ({accuracy:.0%} told apart)'] = features
    visualizer = VISUALIZERS.build(dict(type='DecompositionVisualizer', name='domain_features'))
    visualizer.draw_domains(panels, names, args.method, args.seed, args.out)
    print(f'{args.part} features of {len(paths)} images in {args.out}')


if __name__ == '__main__':
    main()
