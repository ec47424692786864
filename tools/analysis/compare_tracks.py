"""Draw what several checkpoints of a tracker follow, on frames of one clip side by side.

Example: python tools/analysis/compare_tracks.py configs/utt/utt_demo.py bikes.mp4 --init-boxes 302,2,60,82 \\
             --weights trained=work_dirs/utt/iter_900.pth untrained=none --frames 0 2 4 6 8 --region 160,0,330,272
A clip is whatever tools/infer.py takes: a video, or a folder of frames. 'none' stands for random weights of --seed.
Given targets (--init-boxes) and all objects (--mode mot) are followed as there; a colour stands for a checkpoint.
"""

import argparse
import itertools
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from mmengine.config import Config
from mmengine.runner import set_random_seed

import vlplugins  # noqa: F401  (checks versions and installs the workarounds)
from vlplugins.apis import TrackingInferencer
from vlplugins.datasets.formats.frame_stream import open_frames
from vlplugins.registry import INFERENCERS
from vlplugins.utils.cli import UsageError, add_config_options, check_checkpoint, friendly_errors, load_config
from vlplugins.visualization.base import render, save_image

COLOURS = ('lime', 'red', 'deepskyblue', 'orange', 'magenta', 'yellow')
Boxes = List[List[float]]


class Tracks(NamedTuple):
    """Some frames of a clip (BGR), and by checkpoint the boxes (x, y, width, height) in each of them."""

    images: Dict[int, np.ndarray]
    boxes: Dict[str, Dict[int, Boxes]]


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config of the tracker')
    parser.add_argument('clip', help='a video, or a folder of frames')
    parser.add_argument(
        '--weights', nargs='+', required=True, metavar='NAME=FILE', help="checkpoints, or 'none', each with a name"
    )
    parser.add_argument('--frames', nargs='+', type=int, default=[0, 2, 4, 6, 8], help='frames to draw, from 0')
    parser.add_argument('--region', metavar='X,Y,W,H', help='part of the frames to draw (default: all)')
    parser.add_argument('--seed', type=int, default=0, help='seed of random weights')
    parser.add_argument('--device', help='cpu, cuda:0, ... (default: the best that there is)')
    parser.add_argument('--out', default='tracks.png', help='the PNG to write (default: tracks.png)')
    TrackingInferencer.add_arguments(parser)
    add_config_options(parser)
    return parser.parse_args(argv)


def named_weights(texts: Sequence[str]) -> Dict[str, Optional[str]]:
    """Checkpoints by name; ``None`` for random weights.

    Raises:
        UsageError: a text without a name, a name that occurs twice, more than there are colours, or no such file.
    """
    pairs = [text.partition('=')[::2] for text in texts]
    names = [name for name, _ in pairs]
    if not all(name and file for name, file in pairs) or len(set(names)) < len(names):
        raise UsageError(f'--weights {" ".join(texts)}: expected NAME=FILE, each name once')
    if len(pairs) > len(COLOURS):
        raise UsageError(f'--weights has {len(pairs)} checkpoints; at most {len(COLOURS)} can be told apart')
    found = {name: None if file == 'none' else file for name, file in pairs}
    for file in found.values():
        check_checkpoint(file)
    return found


def follow(cfg: Config, weights: Dict[str, Optional[str]], args: argparse.Namespace) -> Tracks:
    """Follow the targets with each checkpoint, as far as the last frame that is drawn.

    Raises:
        UsageError: the clip has no such frame.
    """
    last = max(args.frames)
    images = {}
    for number, image in enumerate(itertools.islice(open_frames(args.clip).frames, last + 1)):
        if number in args.frames:
            images[number] = image
    missing = sorted(set(args.frames) - set(images))
    if missing:
        raise UsageError(f'{args.clip} has no frame {missing[0]}')
    args.max_frames = last + 1
    boxes = {}
    for name, file in weights.items():
        set_random_seed(args.seed)
        options = dict(cfg.inferencer, model=cfg, weights=file, device=args.device, show_progress=False)
        inferencer = INFERENCERS.build(options)
        inferencer.apply_arguments(args)
        found = {each['frame']: [item['box'] for item in each['objects']] for each in inferencer.stream(args.clip)}
        boxes[name] = {number: found[number] for number in images}
    return Tracks(images, boxes)


def draw(tracks: Tracks, region: Optional[Tuple[float, ...]] = None) -> Figure:
    """Figure of the frames, with the boxes of all checkpoints."""
    numbers = sorted(tracks.images)
    height, width = tracks.images[numbers[0]].shape[:2]
    x, y, w, h = region or (0, 0, width, height)
    figure = Figure(figsize=(2.4 * len(numbers), 2.4 * h / w + 0.7), layout='constrained')
    colours = dict(zip(tracks.boxes, COLOURS))
    for axes, number in zip(np.atleast_1d(figure.subplots(1, len(numbers))), numbers):
        axes.imshow(tracks.images[number][..., ::-1])
        axes.set_title(f'frame {number}', fontsize='small')
        axes.set(xlim=(x - 0.5, x + w - 0.5), ylim=(y + h - 0.5, y - 0.5))
        axes.axis('off')
        for order, (name, found) in enumerate(tracks.boxes.items()):
            # The first lies above the others, where all are in one place.
            style: Dict[str, Any] = dict(fill=False, linewidth=2, edgecolor=colours[name], zorder=9 - order)
            for left, top, *sides in found[number]:
                axes.add_patch(Rectangle((left, top), *sides, **style))
    lines = [Line2D([], [], color=colour, linewidth=2, label=name) for name, colour in colours.items()]
    figure.legend(handles=lines, loc='outside lower center', ncols=len(lines), fontsize='small')
    return figure


def read_region(text: Optional[str]) -> Optional[Tuple[float, ...]]:
    """Four numbers by commas.

    Raises:
        UsageError: something else, or a part without area.
    """
    if text is None:
        return None
    try:
        region = tuple(float(word) for word in text.split(','))
    except ValueError:
        region = ()
    if len(region) != 4 or min(region[2:]) <= 0:
        raise UsageError(f'--region {text!r} is not X,Y,W,H')
    return region


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Follow and draw."""
    args = parse_args(argv)
    region, weights = read_region(args.region), named_weights(args.weights)
    if min(args.frames) < 0:
        raise UsageError(f'--frames {min(args.frames)} is below 0')
    cfg = load_config(args.config, args.cfg_options)
    kind = cfg.get('inferencer', {}).get('type')
    if kind is None or not hasattr(INFERENCERS.get(kind), 'stream'):
        raise UsageError(
            f"{args.config} is no config of a tracker: it has no inferencer=dict(type='TrackingInferencer')"
        )
    figure = draw(follow(cfg, weights, args), region)
    save_image(render(figure), args.out)
    print(f'{args.out} written')


if __name__ == '__main__':
    main()
