"""Draw samples of a data set as they leave the pipeline.

Example: python tools/misc/browse_dataset.py configs/slimclr/slimclr_demo.py --out-dir work_dirs/browse --number 8
Views of one image are drawn side by side; the labels are drawn by the visualizer of the config, where it draws any.
Of several loaders by name each is drawn, and its name is in those of the pictures. Of a video for frame-by-frame tests
the first frame is drawn.
"""

import argparse
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
import torch
from mmengine.registry import DATASETS, VISUALIZERS, init_default_scope
from mmengine.runner import set_random_seed
from mmengine.visualization import Visualizer
from tqdm import tqdm

import vlplugins  # noqa: F401  (checks versions and installs the workarounds)
from vlplugins.datasets.synthetic import prepare_synthetic_data
from vlplugins.utils.cli import UsageError, add_config_options, friendly_errors, load_config
from vlplugins.visualization.base import TaskVisualizer, render, save_image
from vlplugins.visualization.classification_visualizer import to_rgb
from vlplugins.visualization.image_grid import image_grid


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('--split', choices=['train', 'val', 'test'], default='train', help='which loader (train)')
    parser.add_argument('--loader', help='of several loaders by name, the one to draw (all)')
    parser.add_argument('--number', type=int, default=10, help='samples drawn (default: 10)')
    parser.add_argument('--start', type=int, default=0, help='index of the first one (default: 0)')
    parser.add_argument('--out-dir', default='work_dirs/browse', help='folder of the pictures')
    parser.add_argument('--seed', type=int, default=0, help='seed of the augmentation')
    add_config_options(parser)
    return parser.parse_args(argv)


def draw_sample(item: dict, visualizer: Visualizer, path: Path) -> None:
    """Draw one sample of a data set into a file.

    Raises:
        UsageError: inputs that are no images, and a visualizer that cannot draw them either.
    """
    inputs, sample, path = _of_branch(item, path)
    _plain_boxes(sample)
    if isinstance(visualizer, TaskVisualizer):
        visualizer.add_datasample(path.stem, inputs, sample, draw_pred=False, out_file=str(path))
        return
    views = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    if not all(isinstance(view, torch.Tensor) and view.dim() == 3 and view.size(0) in (1, 3) for view in views):
        raise UsageError("the inputs are no images; set the config's visualizer to the one of their task")
    images = [to_rgb(view) for view in views]
    if len(images) == 1 and type(visualizer).add_datasample is not Visualizer.add_datasample:
        # mmdet, mmaction2 and mmpose share these arguments, and load images as BGR.
        image = np.ascontiguousarray(images[0][..., ::-1])
        visualizer.add_datasample(path.stem, image, sample, draw_pred=False, out_file=str(path))
        return
    titles = [f'view {index + 1}' for index in range(len(images))] if len(images) > 1 else [_label_of(sample)]
    save_image(render(image_grid(images, titles)), str(path))


def _of_branch(item: dict, path: Path) -> Tuple[Any, Any, Path]:
    """Inputs and sample; of mmdet's ``MultiBranch`` those of the branch that they are in, whose name the file gets."""
    inputs, sample = item['inputs'], item.get('data_samples')
    if not isinstance(inputs, dict) or not isinstance(sample, dict):
        return inputs, sample, path
    (branch,) = [name for name, value in inputs.items() if value is not None]
    return inputs[branch], sample[branch], path.with_stem(f'{path.stem}_{branch}')


def _plain_boxes(sample: Any) -> None:
    """Visualizers draw tensors of boxes, mmdet's pipeline packs them in a class of their own."""
    instances = getattr(sample, 'gt_instances', None)
    boxes = getattr(instances, 'bboxes', None)
    if hasattr(boxes, 'tensor'):
        instances.bboxes = boxes.tensor


def _label_of(sample: Any) -> str:
    return f'label {int(sample.gt_label)}' if sample is not None and 'gt_label' in sample else ''


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Draw."""
    args = parse_args(argv)
    if args.number < 1:
        raise UsageError(f'--number {args.number}: draw at least one sample')
    cfg = load_config(args.config, args.cfg_options)
    loader = cfg.get(f'{args.split}_dataloader')
    if loader is None:
        raise UsageError(f'{args.config} has no {args.split}_dataloader')
    loaders = _by_name(loader, args.loader)
    init_default_scope(cfg.get('default_scope') or 'vlplugins')
    prepare_synthetic_data(cfg)
    visualizer = VISUALIZERS.build(dict(cfg.visualizer, vis_backends=None, name='browse'))
    set_random_seed(args.seed)
    count = 0
    for name, each in loaders.items():
        dataset = DATASETS.build(each.dataset)
        if not 0 <= args.start < len(dataset):
            raise UsageError(f'--start {args.start}: the data set has {len(dataset)} samples, counted from 0')
        visualizer.dataset_meta = getattr(dataset, 'metainfo', None)
        stem = '_'.join([args.split, name]) if name else args.split
        last = min(args.start + args.number, len(dataset))
        for index in tqdm(range(args.start, last), desc='drawing', file=sys.stdout):
            draw_sample(_item(dataset, index), visualizer, Path(args.out_dir, f'{stem}_{index:06d}.png'))
        count += last - args.start
    print(f'{count} pictures in {args.out_dir}')


def _by_name(loader: dict, wanted: Optional[str]) -> Dict[str, dict]:
    """The loaders to draw; a single one has the name ''."""
    if 'dataset' in loader:
        if wanted is not None:
            raise UsageError(f'--loader {wanted}: there is one loader, which has no name')
        return {'': loader}
    if wanted is None:
        return dict(loader)
    if wanted not in loader:
        raise UsageError(f'--loader {wanted}: the loaders are {", ".join(loader)}')
    return {wanted: loader[wanted]}


def _item(dataset: Any, index: int) -> dict:
    # A whole video, as such a set gives it for a number, may not fit into memory.
    is_online = getattr(dataset, 'test_mode', False) and hasattr(dataset, 'get_len_per_video')
    return dataset[index, 0] if is_online else dataset[index]


if __name__ == '__main__':
    main()
