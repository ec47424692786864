"""Show which regions of an image cooperate for which phrases of its caption, in the games of LOUPE.

Example: python tools/analysis/explain_pair.py configs/loupe/loupe_demo.py work_dirs/demo/loupe/LOUPE/seed0/epoch_9.pth data/synthetic/loupe_scenes/images/000000000001.png --caption 'a red striped block and a blue plain block above the grass' --against 'a green plain block'
Prints the interaction of each region with each phrase and its standard error, and draws the best regions of each phrase.
  --game patches  the patches of a region as a coalition, a phrase as judge (what teaches confidences). Draws also, as
                  tools/infer.py does with --interactions, how much the patches around each patch cooperate;
  --game pairs    a region and a phrase as a coalition among all regions and phrases (what teaches their alignment).
Phrases of one caption compete; --against names further texts that do, as those of a batch would. By default three are
needed: among two, chance is as high as the default value lets a probability become.
"""  # noqa: E501  (an example is one line)

import argparse
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import init_default_scope
from mmengine.runner import load_checkpoint
from mmengine.structures import InstanceData
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

import vlplugins  # noqa: F401  (checks versions and installs the workarounds)
from vlplugins.apis.base import find_pipeline
from vlplugins.apis.interaction_maps import interaction_maps
from vlplugins.models.algorithms.dual_encoder import boxes_in_file
from vlplugins.models.layers.game_texts import GameTexts
from vlplugins.models.layers.members import pool_members
from vlplugins.models.task_modules import SampledShapley
from vlplugins.models.task_modules.alignment_game import AlignmentValue, pair_coalitions
from vlplugins.models.task_modules.coalitions import Interaction, step_generator
from vlplugins.registry import MODELS, TRANSFORMS
from vlplugins.structures.region_phrase_data_sample import RegionPhraseDataSample
from vlplugins.utils.cli import UsageError, add_config_options, check_checkpoint, friendly_errors, load_config
from vlplugins.visualization import RegionPhraseVisualizer

GAMES = ('patches', 'pairs')


class Explanation(NamedTuple):
    """Of one image with N phrases and M regions.

    Attributes:
        image: ``[3, H, W]`` in BGR order, the input of the model as it is packed.
        sample: Its sample.
        phrases: N texts.
        boxes: ``[M, 4]``, ``xyxy`` in pixels of the input.
        members: ``[M, n]`` booleans, the patches of each region.
        found: Interactions ``[M, N]`` and their standard errors.
        maps: Interactions around each patch, ``[N, rows, columns]``, and their standard errors; of the game of patches.
    """

    image: Tensor
    sample: RegionPhraseDataSample
    phrases: List[str]
    boxes: Tensor
    members: Tensor
    found: Interaction
    maps: Optional[Tuple[Tensor, Tensor]]


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file of a FineGrainedVLPretrainer')
    parser.add_argument('checkpoint', help="its weights; 'none': random ones")
    parser.add_argument('image', help='image file')
    parser.add_argument('--caption', help='its text; without --phrases its noun phrases are found by rules')
    parser.add_argument('--phrases', nargs='+', default=[], help='phrases of the caption, or in its place')
    parser.add_argument('--against', nargs='+', default=[], help='further texts that compete with the phrases')
    parser.add_argument('--game', choices=GAMES, default='patches', help='which game (default: patches)')
    parser.add_argument('--regions', type=int, help='regions (default: as many as the model is trained with)')
    parser.add_argument('--samples', type=int, default=256, help='samples of an interaction (default: 256)')
    parser.add_argument('--boxes', type=int, default=1, help='boxes that are drawn for a phrase (default: 1)')
    parser.add_argument('--seed', type=int, default=0, help='seed of the samples, and of random weights')
    parser.add_argument('--out', default='work_dirs/explain_pair.png', help='the picture')
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu', help='where to run')
    add_config_options(parser)
    return parser.parse_args(argv)


def caption_spans(caption: Optional[str], phrases: List[str]) -> Tuple[str, Optional[List[Tuple[int, int]]]]:
    """The caption, and the characters of given phrases in it; ``None``: they are to be found.

    Raises:
        UsageError: an empty caption or phrase, or a phrase that is not in the caption.
    """
    blank = [name for name, text in [('--caption', caption), *(('--phrases', each) for each in phrases)] if text == '']
    if caption is not None and not caption.strip() or any(not each.strip() for each in phrases) or blank:
        raise UsageError('an empty text in --caption or --phrases; expected words')
    if caption is None and not phrases:
        raise UsageError('give --caption, or --phrases')
    caption = ' and '.join(phrases) if caption is None else caption
    if not phrases:
        return caption, None
    spans, end = [], 0
    for phrase in phrases:
        # In order where they are in order, so that a phrase named twice is found twice.
        begin = caption.find(phrase, end)
        begin = caption.find(phrase) if begin < 0 else begin
        if begin < 0:
            raise UsageError(f'--phrases {phrase!r} is not in the caption {caption!r}')
        end = begin + len(phrase)
        spans.append((begin, end))
    return caption, spans


def make_pipeline(cfg: Config) -> Compose:
    """The test pipeline, with phrases."""
    steps = []
    for step in find_pipeline(cfg):
        name = step['type'].rpartition('.')[2]
        if name == 'Tokenize':
            step = {key: value for key, value in step.items() if key != 'template'}
            mapped = dict(type='vlplugins.MapPhraseSpans', chunker=dict(type='vlplugins.RuleNounPhraseChunker'))
            steps += [dict(step, with_offsets=True), mapped]
        elif name != 'AddClassPrompts':
            steps.append(step)
    if not any(step['type'].endswith('MapPhraseSpans') for step in steps):
        raise UsageError(f'{cfg.filename}: the pipeline of its test set has no Tokenize')
    with TRANSFORMS.switch_scope_and_registry(cfg.get('default_scope') or 'vlplugins') as registry:
        return Compose([registry.build(step) for step in steps])


def load_model(cfg: Config, checkpoint: str, device: str) -> nn.Module:
    """The model of a config with the weights of a checkpoint.

    Raises:
        UsageError: a model without regions or games.
    """
    model = MODELS.build(cfg.model)
    if not hasattr(model, 'token_game') or model.region_head is None:
        raise UsageError(f'a {type(model).__name__} as {cfg.filename} has it plays no game of regions')
    if checkpoint != 'none':
        load_checkpoint(model, checkpoint, map_location='cpu', strict=True)
    return model.to(device).eval()


def _check_texts(phrases: List[str], counts: List[int], least: int) -> None:
    for phrase, count in zip(phrases, counts):
        if count < least:
            raise UsageError(f'{count} texts are too few for the game of {phrase!r}; name others by --against')


@torch.no_grad()
def explain(model: nn.Module, batch: Dict[str, Any], args: argparse.Namespace) -> Explanation:
    """Interactions of the first of a batch; the texts of the others compete.

    Raises:
        UsageError: a phrase with which too few texts compete, or no phrase at all.
    """
    image, sample, maps = batch['inputs']['image'][0], batch['data_samples'][0], None
    inputs = model.data_preprocessor(batch, False)['inputs']
    encoded = model.encode(inputs)
    grid, size = tuple(encoded.feature_map.shape[-2:]), tuple(inputs['image'].shape[-2:])
    boxes, logits = model.region_head(encoded.feature_map[:1], size)
    most = min(args.regions or model.region_head.num_regions, boxes.size(1))
    regions = model.region_head.select(boxes, logits, grid, size, num_regions=most)
    kept = regions.valid[0]
    members, phrases = regions.members[:, kept], list(sample.metainfo['gt_phrases'])
    sampler = SampledShapley(num_samples=args.samples, seed=args.seed)
    if args.game == 'patches':
        texts = model.game_texts(encoded, inputs, step_generator(args.seed, 0, encoded.patches.device))
        phrases = phrases if phrases and model.game_text == 'phrase' else [sample.metainfo['text']]
        texts = GameTexts(*(each[:1] for each in texts))
        _check_texts(phrases, texts.candidates[0].sum(dim=1).tolist(), model.value.min_texts)
        found = sampler.estimate(model.token_game(encoded.patches[:1], texts, inputs['image'][:1]), members)
        found = Interaction(*(each[0, :, : len(phrases)] for each in found))
        maps = tuple(each[0, : len(phrases)] for each in interaction_maps(model, inputs['image'][:1], texts, sampler))
    else:
        if not phrases:
            raise UsageError(f'no phrase in {sample.metainfo["text"]!r}; name some by --phrases')
        features, count = pool_members(encoded.patches[:1], members), len(phrases)
        mask = torch.ones_like(members[..., 0]), encoded.phrase_mask[:1, :count]
        aligned = model.aligner(features, encoded.phrases[:1, :count], *mask)
        game = AlignmentValue().game(aligned.to_phrases, aligned.to_regions, *mask)
        found = sampler.estimate(game, pair_coalitions(members.size(1), count).to(members.device)[None])
        found = Interaction(*(each[0].unflatten(0, (-1, count)) for each in found))
    found = Interaction(*(each.cpu() for each in found))
    return Explanation(image, sample, phrases, regions.boxes[0, kept].cpu(), members[0].cpu(), found, maps)


def draw(explanation: Explanation, num_boxes: int, path: Path) -> None:
    """The image with the best regions of each phrase and their interactions, and the maps."""
    best = explanation.found.mean.topk(min(num_boxes, len(explanation.boxes)), dim=0)
    count = len(explanation.phrases)
    labels = torch.arange(count).repeat_interleave(len(best.indices))
    boxes, sample = explanation.boxes[best.indices.T.flatten()], explanation.sample.clone()
    sample.set_metainfo(dict(text=explanation.phrases))
    sample.pred_instances = InstanceData(
        bboxes=boxes_in_file(boxes, sample), scores=best.values.T.flatten(), labels=labels
    )
    if explanation.maps is not None:
        values, uncertainty = explanation.maps
        sample.set_field(dict(values=values, uncertainty=uncertainty), 'interactions', dtype=dict)
    drawer = RegionPhraseVisualizer(max_boxes=len(boxes), max_texts=count, digits=4)
    drawer.add_datasample(path.stem, explanation.image, sample, out_file=str(path))


def print_table(explanation: Explanation, title: str) -> None:
    """A row for each region: its box in pixels of the file, and its interaction with each phrase."""
    table = Table(title=title)
    for heading in ('region', 'patches', *explanation.phrases):
        table.add_column(heading, justify='right')
    boxes = boxes_in_file(explanation.boxes, explanation.sample)
    sizes = explanation.members.sum(dim=1).tolist()
    for box, size, means, errors in zip(boxes.tolist(), sizes, *(each.tolist() for each in explanation.found)):
        cells = [f'{mean:+.4f} ± {error:.4f}' for mean, error in zip(means, errors)]
        table.add_row(', '.join(f'{side:.0f}' for side in box), str(size), *cells)
    Console(width=max(Console().width, 100)).print(table)


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Estimate, print and draw."""
    args = parse_args(argv)
    caption, spans = caption_spans(args.caption, args.phrases)
    if not Path(args.image).is_file():
        raise UsageError(f'no such image: {args.image}')
    if args.samples < 2 or args.boxes < 0 or (args.regions is not None and args.regions < 1):
        raise UsageError('expected --samples of 2 or more, --regions of 1 or more, and --boxes of 0 or more')
    if args.checkpoint != 'none':
        check_checkpoint(args.checkpoint)
    cfg = load_config(args.config, args.cfg_options)
    init_default_scope(cfg.get('default_scope') or 'vlplugins')
    torch.manual_seed(args.seed)
    model, pipeline = load_model(cfg, args.checkpoint, args.device), make_pipeline(cfg)
    records = [dict(text=caption) if spans is None else dict(text=caption, phrases=spans)]
    # A text that competes is one phrase.
    records += [dict(text=each, phrases=[(0, len(each))]) for each in args.against if each.strip()]
    batch = pseudo_collate([pipeline(dict(each, img_path=args.image)) for each in records])
    explanation = explain(model, batch, args)
    print_table(explanation, f'interactions in the game of {args.game}, {args.samples} samples')
    draw(explanation, args.boxes, Path(args.out))
    print(f'{len(explanation.boxes)} regions and {len(explanation.phrases)} phrases in {args.out}')


if __name__ == '__main__':
    main()
