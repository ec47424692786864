"""Time SlimCLR against ordinary networks, and print the ratios (below 1: SlimCLR is faster).

Example: python tools/benchmark/slimclr.py --batch-size 16 --size 96
Measured: a step of SlimCLR on MoCo v2 against separate steps of ordinary MoCo v2 at each width (mmdet's ResNet, with a
key encoder and a queue of its own); the whole schedule, whose first half trains the full width alone; the same with
loading and augmentation; a sliced convolution; evaluation of all widths in one pass; an extracted network. Before
anything is timed, both sides are shown to give the same results.
"""

import argparse
import copy
import tempfile
from pathlib import Path
from typing import Callable, Dict, List, Optional, Tuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope
from torch import Tensor, nn

from vlplugins.models.layers.extract import extract_state
from vlplugins.models.layers.slimmable import SlimmableConv2d
from vlplugins.registry import MODELS, TRANSFORMS
from vlplugins.utils.cli import friendly_errors, load_config
from vlplugins.utils.optional import require
from vlplugins.utils.timing import Ratio, add_timing_arguments, median_seconds, print_ratios

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / 'configs/slimclr/slimclr_resnet50_mocov2_4xb256-amp-coslr-200e_in1k.py'
WIDTHS = (1.0, 0.75, 0.5, 0.25)
TEMPERATURE, MOMENTUM, EMBEDDING = 0.2, 0.999, 128


class PlainMoCo(nn.Module):
    """MoCo v2 of one ordinary ResNet, without any slimmable code."""

    def __init__(self, depth: int, width: float, queue_len: int) -> None:
        super().__init__()
        resnet = require('mmdet.models.backbones', 'the baseline').ResNet
        backbone = resnet(depth, base_channels=int(64 * width), out_indices=(3,), norm_eval=False)
        channels = backbone.feat_dim
        mlp = nn.Sequential(nn.Linear(channels, channels), nn.ReLU(), nn.Linear(channels, EMBEDDING))
        self.encoder = nn.ModuleList([backbone, mlp])
        self.key_encoder = copy.deepcopy(self.encoder).requires_grad_(False)
        self.register_buffer('queue', F.normalize(torch.randn(EMBEDDING, queue_len), dim=0))
        self.position = 0

    @staticmethod
    def embed(encoder: nn.ModuleList, images: Tensor) -> Tensor:
        """Unit embedding ``[N, D]``."""
        return F.normalize(encoder[1](encoder[0](images)[-1].mean(dim=(2, 3))), dim=1)

    def loss(self, first: Tensor, second: Tensor) -> Tensor:
        """Contrastive loss of two views; moves the key encoder and the queue."""
        with torch.no_grad():
            for mean, value in zip(self.key_encoder.parameters(), self.encoder.parameters()):
                mean.lerp_(value, 1 - MOMENTUM)
            keys = self.embed(self.key_encoder, second)
        queries = self.embed(self.encoder, first)
        logits = torch.cat([(queries * keys).sum(dim=1, keepdim=True), queries @ self.queue.clone()], dim=1)
        loss = F.cross_entropy(logits / TEMPERATURE, torch.zeros(len(first), dtype=torch.long, device=first.device))
        self.queue[:, self.position : self.position + len(first)] = keys.T
        self.position = (self.position + len(first)) % self.queue.size(1)
        return loss

    def load_width(self, slimmable: nn.Module, width: float) -> None:
        """Take the weights of one width of a slimmable model."""
        self.encoder[0].load_state_dict(extract_state(slimmable.backbone, width))
        state = extract_state(slimmable.neck, width)
        for index, layer in zip((0, 2), ('fc0', 'fc1')):
            self.encoder[1][index].weight.data.copy_(state[f'{layer}.weight'])
            self.encoder[1][index].bias.data.copy_(state[f'{layer}.bias'])
        self.key_encoder.load_state_dict(self.encoder.state_dict())
        self.queue.copy_(slimmable.queue)


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--depth', type=int, default=50, help='depth of the ResNet (default: 50)')
    parser.add_argument('--batch-size', type=int, default=16, help='images of a step (default: 16)')
    parser.add_argument('--size', type=int, default=96, help='side of the images in pixels (default: 96)')
    add_timing_arguments(parser, rounds=20, warm_up=5)
    return parser.parse_args(argv)


def build_models(args: argparse.Namespace) -> Tuple[nn.Module, Dict[float, PlainMoCo]]:
    """SlimCLR and one ordinary MoCo per width, with the same weights."""
    queue_len = 64 * args.batch_size
    options = {'model.queue_len': queue_len, 'model.backbone.depth': args.depth, 'model.data_preprocessor': None}
    channels = 2048 if args.depth >= 50 else 512
    options.update({'model.neck.in_channels': channels, 'model.neck.hid_channels': channels})
    torch.manual_seed(0)
    slimmable = MODELS.build(load_config(str(CONFIG), options).model)
    plain = {width: PlainMoCo(args.depth, width, queue_len) for width in WIDTHS}
    for width, model in plain.items():
        model.load_width(slimmable, width)
        model.to(args.device).train()
    return slimmable.to(args.device).train(), plain


def check_equal(slimmable: nn.Module, plain: Dict[float, PlainMoCo], first: Tensor, second: Tensor) -> None:
    """Both sides embed alike at each width, and have the same loss at the full one.

    Raises:
        AssertionError: they differ.
    """
    for width, model in plain.items():
        ours, theirs = slimmable.encode(first, width), model.embed(model.encoder, first).detach()
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)
    slimmable.subnets_enabled = False
    loss, _ = slimmable.parse_losses(slimmable.loss(first, second))
    torch.testing.assert_close(loss, plain[1.0].loss(first, second), rtol=1e-3, atol=1e-3)
    slimmable.subnets_enabled = True


Views = Callable[[], Tuple[Tensor, Tensor]]


def steps(slimmable: nn.Module, plain: Dict[float, PlainMoCo], views: Views) -> Dict[str, Callable[[], None]]:
    """One training step of each side."""

    def optimizer(model: nn.Module) -> torch.optim.Optimizer:
        return torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=1e-4, momentum=0.9)

    def update(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    ours, theirs = optimizer(slimmable), {width: optimizer(model) for width, model in plain.items()}

    def slim(enabled: bool) -> None:
        slimmable.subnets_enabled = enabled
        update(ours, slimmable.parse_losses(slimmable.loss(*views()))[0])

    def separate() -> None:
        for width, model in plain.items():
            update(theirs[width], model.loss(*views()))

    return dict(all_widths=lambda: slim(True), full_width=lambda: slim(False), separate=separate)


def make_pipeline(folder: Path, size: int, count: int) -> Callable[[], List[Tensor]]:
    """Write JPEG files of the size of photographs, and return what loads and augments a batch of two views of them."""
    generator = np.random.default_rng(0)
    for index in range(count):
        coarse = generator.integers(0, 255, (12, 16, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / f'{index}.jpg'), cv2.resize(coarse, (500, 375), interpolation=cv2.INTER_CUBIC))
    cfg = load_config(str(CONFIG), {'train_dataloader.dataset.pipeline.1.transforms.0.size': size})
    pipeline = Compose([TRANSFORMS.build(step) for step in cfg.train_dataloader.dataset.pipeline])

    def load() -> List[Tensor]:
        packed = [pipeline(dict(img_path=str(folder / f'{index}.jpg'), sample_idx=index)) for index in range(count)]
        return [torch.stack([item['inputs'][view] for item in packed]).float() for view in range(2)]

    return load


def training_rows(args: argparse.Namespace, folder: Path) -> List[Ratio]:
    """Steps and schedules, on a batch that is ready and on one that is loaded and augmented each time."""
    slimmable, plain = build_models(args)
    generator = torch.Generator().manual_seed(0)
    shape = (args.batch_size, 3, args.size, args.size)
    ready = tuple(torch.randn(shape, generator=generator).to(args.device) for _ in range(2))
    check_equal(slimmable, plain, *ready)
    load = make_pipeline(folder, args.size, args.batch_size)
    rows = []
    for name, views in (
        ('networks alone', lambda: ready),
        ('with loading and augmentation', lambda: tuple(view.to(args.device) / 255 for view in load())),
    ):
        times = median_seconds(steps(slimmable, plain, views), args.rounds, args.warm_up)
        separate = times['separate']
        rows.append(Ratio(f'step of all widths / four separate, {name}', times['all_widths'], separate, '≈ 0.88'))
        mean = (times['all_widths'] + times['full_width']) / 2
        rows.append(Ratio(f'schedule with slow start / four separate, {name}', mean, separate, '≈ 0.71'))
    return rows


def convolution_row(args: argparse.Namespace) -> Ratio:
    """A convolution sliced to half its channels against an ordinary one of that shape, forward and backward."""
    sliced = SlimmableConv2d(256, 256, 3, padding=1, bias=False, widths=(1.0, 0.5)).to(args.device)
    ordinary = nn.Conv2d(128, 128, 3, padding=1, bias=False).to(args.device)
    ordinary.weight.data.copy_(sliced.weight[:128, :128])
    inputs = torch.randn(args.batch_size, 128, 28, 28, device=args.device)
    torch.testing.assert_close(sliced(inputs, 0.5), ordinary(inputs))
    sides = dict(ours=lambda: sliced(inputs, 0.5).sum().backward(), theirs=lambda: ordinary(inputs).sum().backward())
    times = median_seconds(sides, args.rounds, args.warm_up)
    return Ratio('sliced convolution / ordinary one of its shape', times['ours'], times['theirs'], '≤ 1.1')


@torch.no_grad()
def evaluation_rows(args: argparse.Namespace, folder: Path) -> List[Ratio]:
    """All widths in one pass against a pass each; one extracted network against the slimmable one."""
    slimmable, plain = build_models(args)
    backbone = slimmable.backbone.eval()
    load = make_pipeline(folder, args.size, args.batch_size)

    def one_pass() -> None:
        images = load()[0].to(args.device)
        for width in WIDTHS:
            backbone(images, width)

    def separate() -> None:
        for width in WIDTHS:
            backbone(load()[0].to(args.device), width)

    ordinary = plain[0.5].encoder[0]
    ordinary.eval()
    images = torch.randn(args.batch_size, 3, args.size, args.size, device=args.device)
    torch.testing.assert_close(ordinary(images)[-1], backbone(images, 0.5)[-1], rtol=1e-3, atol=1e-4)
    times = median_seconds(dict(ours=one_pass, theirs=separate), args.rounds, args.warm_up)
    rows = [
        Ratio(
            'evaluation of all widths in one pass / four passes',
            times['ours'],
            times['theirs'],
            '≤ 0.6 if loading dominates',
        )
    ]
    sides = dict(ours=lambda: ordinary(images), theirs=lambda: backbone(images, 0.5))
    times = median_seconds(sides, args.rounds, args.warm_up)
    return rows + [Ratio('extracted width 0.5 / slimmable at 0.5', times['ours'], times['theirs'], '≤ 1.0')]


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Measure and print."""
    args = parse_args(argv)
    torch.set_num_threads(args.threads)
    init_default_scope('vlplugins')
    with tempfile.TemporaryDirectory() as name:
        rows = training_rows(args, Path(name))
        rows += [convolution_row(args), *evaluation_rows(args, Path(name))]
    print_ratios(f'ResNet-{args.depth}, batch {args.batch_size}, {args.size} px', rows, args)


if __name__ == '__main__':
    main()
