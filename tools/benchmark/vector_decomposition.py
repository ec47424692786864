"""Time the two steps of VDD, and its inference (ratios below 1: ours is faster).

Example: python tools/benchmark/vector_decomposition.py --depth 101 --size 256 512
Measured:
  step       a training iteration whose second step runs the backbone without gradient, against one that runs it with;
  branch     inference that skips the head of the invariant branch, whose weight is 0, against evaluating both;
  detector   inference against the same detector without decomposition, classifiers and second head.
Before anything is timed, both sides of the first two are shown to give the same weights and detections. What the third
costs is the extractor and the classifiers of the contexts. What the first can save is the share of the backbone: the
box heads on 128 regions cost the same on both sides and at any size, and outweigh a small backbone or a small image.

On a machine with other work, `--processor-time --threads 1` counts what the process itself used.
"""

import argparse
import copy
from functools import partial
from pathlib import Path
from typing import Callable, List, Optional

import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from torch import nn

from vlplugins.registry import MODELS
from vlplugins.utils.cli import friendly_errors
from vlplugins.utils.timing import Ratio, add_timing_arguments, median_seconds, print_ratios

CONFIGS = Path(__file__).resolve().parents[2] / 'configs/vdd'
CHANNELS = {18: (64, 256, 512), 34: (64, 256, 512), 50: (256, 1024, 2048), 101: (256, 1024, 2048)}


def build(name: str, depth: int, no_grad: bool = True) -> nn.Module:
    """A detector of ``configs/vdd/NAME.py`` with a backbone of ``depth`` layers and random weights of seed 0."""
    cfg = Config.fromfile(CONFIGS / f'{name}.py').model
    low, high, top = CHANNELS[depth]
    cfg.backbone.update(depth=depth, init_cfg=None)
    cfg.decomposer.in_channels = cfg.rpn_head.in_channels = cfg.roi_head.bbox_roi_extractor.out_channels = high
    for part, width in (('pixel', low), ('base', high), ('specific', high)):
        if cfg[f'{part}_classifier']:
            cfg[f'{part}_classifier'].in_channels = width
    for branch in ('invariant', 'base'):
        if cfg.roi_head[branch]:
            cfg.roi_head[branch].shared_head.update(depth=depth, init_cfg=None)
            cfg.roi_head[branch].bbox_head.in_channels = top
    if not no_grad:
        for stage in cfg.stages:
            stage.no_grad = []
    torch.manual_seed(0)
    return MODELS.build(cfg)


def make_batch(height: int, width: int, device: str) -> dict:
    """One image of each domain, with boxes on the source."""
    from mmdet.structures import DetDataSample

    generator = torch.Generator().manual_seed(0)
    images = [torch.randint(0, 255, (3, height, width), dtype=torch.uint8, generator=generator) for _ in range(2)]
    samples = []
    for boxes in ([[20.0, 20.0, 150.0, 120.0], [200.0, 60.0, 330.0, 200.0]], []):
        sample = DetDataSample(metainfo=dict(img_shape=(height, width), ori_shape=(height, width), scale_factor=(1, 1)))
        sample.gt_instances = InstanceData(
            bboxes=torch.tensor(boxes).reshape(-1, 4), labels=torch.zeros(len(boxes), dtype=torch.long)
        )
        sample.ignored_instances = InstanceData(bboxes=torch.zeros(0, 4), labels=torch.zeros(0, dtype=torch.long))
        samples.append(sample.to(device))
    return dict(
        inputs=dict(source=[images[0], None], target=[None, images[1]]),
        data_samples=dict(source=[samples[0], None], target=[None, samples[1]]),
    )


def step_of(detector: nn.Module, batch: dict) -> Callable[[], None]:
    """One training iteration of a detector with an optimizer of its own, from the same random numbers each time."""
    cfg = Config.fromfile(CONFIGS / 'vdd_r101_20e_sunny2nightrainy.py').optim_wrapper
    wrappers = build_optim_wrapper(detector, copy.deepcopy(cfg))

    def step() -> None:
        torch.manual_seed(1)
        detector.train_step(copy.deepcopy(batch), wrappers)

    return step


def step_row(args: argparse.Namespace) -> Ratio:
    """Training iterations with and without the graph of the backbone in the second step.

    Raises:
        AssertionError: the weights differ after an iteration.
    """
    batch = make_batch(*args.size, args.device)
    sides = {}
    for name, no_grad in (('ours', True), ('baseline', False)):
        sides[name] = build('vdd_r101_20e_sunny2nightrainy', args.depth, no_grad).to(args.device).train()
    steps = {name: step_of(detector, batch) for name, detector in sides.items()}
    for step in steps.values():
        step()
    for one, other in zip(sides['ours'].state_dict().values(), sides['baseline'].state_dict().values()):
        assert torch.allclose(one, other, atol=1e-6), 'the weights differ after one iteration'
    times = median_seconds(steps, args.rounds, args.warm_up, args.clock)
    return Ratio('iteration, backbone without / with gradient in step 2', times['ours'], times['baseline'], '≤ 0.90')


def inference_rows(args: argparse.Namespace) -> List[Ratio]:
    """Inference with and without the unused head, and against the detector without decomposition.

    Raises:
        AssertionError: the detections differ.
    """
    vdd = build('vdd_r101_20e_sunny2nightrainy', args.depth).to(args.device).eval()
    both = copy.deepcopy(vdd)
    both.roi_head.skip_unused = False
    plain = build('ablation_source-only', args.depth).to(args.device).eval()
    batch = make_batch(*args.size, args.device)
    data = dict(inputs=batch['inputs']['source'][:1], data_samples=batch['data_samples']['source'][:1])

    def predict(detector: nn.Module) -> InstanceData:
        with torch.no_grad():
            return detector.test_step(copy.deepcopy(data))[0].pred_instances

    one, other = predict(vdd), predict(both)
    assert torch.equal(one.bboxes, other.bboxes) and torch.equal(one.scores, other.scores), 'the detections differ'
    sides = dict(ours=vdd, both=both, plain=plain)
    # An image takes a tenth of an iteration.
    times = median_seconds(
        {key: partial(predict, value) for key, value in sides.items()}, 3 * args.rounds, 1, args.clock
    )
    return [
        Ratio('inference, one head / both', times['ours'], times['both'], '< 1'),
        Ratio('inference, VDD / plain Faster R-CNN', times['ours'], times['plain'], '≤ 1.15'),
    ]


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--depth', type=int, choices=sorted(CHANNELS), default=101, help='layers (default: 101)')
    parser.add_argument('--size', type=int, nargs=2, default=[256, 512], help='height and width (default: 256 512)')
    add_timing_arguments(parser, rounds=2, warm_up=0, clock=True)
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    init_default_scope('vlplugins')
    # Without a line for each parameter.
    MMLogger.get_instance('benchmark', log_level='WARNING')
    rows = [step_row(args), *inference_rows(args)]
    print_ratios(f'VDD, ResNet-{args.depth}, {args.size[0]}x{args.size[1]}', rows, args)


if __name__ == '__main__':
    main()
