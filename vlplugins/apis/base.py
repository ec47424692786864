"""What the inferencers of all tasks share: loading a model, many inputs with progress, JSON and pictures out."""

import argparse
import functools
import json
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Union

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.infer import BaseInferencer as MMEngineInferencer
from mmengine.infer.infer import ModelType
from mmengine.registry import init_default_scope
from torch import nn

from vlplugins.registry import FUNCTIONS, TRANSFORMS
from vlplugins.utils.cli import load_config
from vlplugins.utils.pipelines import list_steps

Input = Union[str, Path, np.ndarray]


def find_pipeline(cfg: Config) -> List[dict]:
    """Configs of the transforms of the test set; of the first one where there are several, or sets are joined."""
    loader = cfg.test_dataloader
    dataset = (loader if 'dataset' in loader else next(iter(loader.values()))).dataset
    while 'pipeline' not in dataset and ('dataset' in dataset or 'datasets' in dataset):
        dataset = dataset['dataset'] if 'dataset' in dataset else dataset['datasets'][0]
    return [dict(each) for each in list_steps(dataset.pipeline)]


class BaseInferencer(MMEngineInferencer):
    """A model with its weights, ready for files, folders, arrays, or lists of them.

    ``inferencer(inputs, batch_size=1, vis_out_dir=None, pred_out_file=None, return_datasamples=False)`` returns
    ``dict(predictions=[...], visualization=[...])``: plain data (or data samples), and the pictures drawn. A subclass
    says which files it takes (``extensions``), how an input becomes a record for the pipeline (:meth:`to_record`), and
    how a prediction becomes plain data (:meth:`to_plain`).

    Args:
        model: Path of a config, or a config.
        weights: Checkpoint; ``None`` keeps the weights that the config initialises, and warns.
        device: ``'cpu'``, ``'cuda:0'``, ...; by default the best that there is.
        show_progress: Show a progress bar.

    Raises:
        UsageError: no such config, or one that cannot be read.
        ConfigError: the config names unknown types or arguments.
        CheckpointError: a damaged checkpoint.
        ValueError: a checkpoint that lacks weights of the model.
    """

    visualize_kwargs = {'vis_out_dir'}
    postprocess_kwargs = {'pred_out_file'}
    # Endings of the files that are taken from a folder.
    extensions: Sequence[str] = ()

    def __init__(
        self,
        model: Union[ModelType, str],
        weights: Optional[str] = None,
        device: Optional[str] = None,
        show_progress: bool = True,
    ) -> None:
        if isinstance(model, (str, Path)):
            model = load_config(str(model))
        cfg = model if isinstance(model, Config) else Config(model)
        scope = cfg.get('default_scope') or 'vlplugins'
        init_default_scope(scope)
        self.classes: Optional[Sequence[str]] = None
        super().__init__(cfg, weights, device, scope, show_progress)

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Add the arguments of ``tools/infer.py`` that only this task has."""

    def apply_arguments(self, args: argparse.Namespace) -> None:
        """Do what the arguments of :meth:`add_arguments` ask for, before the first input."""

    def to_record(self, item: Input) -> Dict[str, Any]:
        """The record of one input that the test pipeline starts from."""
        raise NotImplementedError

    def to_plain(self, sample: Any) -> Dict[str, Any]:
        """Strings, numbers, lists and dicts of one predicted data sample."""
        raise NotImplementedError

    def picture_name(self, index: int, item: Input) -> str:
        """File name of the picture of an input."""
        stem = Path(item).stem if isinstance(item, (str, Path)) else 'array'
        return f'{index:06d}_{stem}.png'

    def _load_weights_to_model(self, model: nn.Module, checkpoint: Optional[dict], cfg: Any) -> None:
        if checkpoint is None:
            super()._load_weights_to_model(model, checkpoint, cfg)
            return
        result = model.load_state_dict(checkpoint.get('state_dict', checkpoint), strict=False)
        if result.missing_keys:
            raise ValueError(
                f'the checkpoint lacks {len(result.missing_keys)} weights of {type(model).__name__}, '
                f'among them {result.missing_keys[:4]}; is it of another config?'
            )
        self.classes = (checkpoint.get('meta') or {}).get('dataset_meta', {}).get('classes')

    def _init_pipeline(self, cfg: Config) -> Callable:
        with TRANSFORMS.switch_scope_and_registry(self.scope) as registry:
            pipeline = Compose([registry.build(transform) for transform in find_pipeline(cfg)])
        return lambda item: pipeline(self.to_record(item))

    def _init_collate(self, cfg: Config) -> Callable:
        # MMEngine 0.10 looks up the whole dict of a config as if it were a name.
        options = dict(cfg.test_dataloader.get('collate_fn') or dict(type='pseudo_collate'))
        with FUNCTIONS.switch_scope_and_registry(self.scope) as registry:
            return functools.partial(registry.get(options.pop('type')), **options)

    def _inputs_to_list(self, inputs: Union[Input, Sequence[Input]]) -> List[Input]:
        """One input or many to a list; a folder stands for the files in it, by name.

        Raises:
            FileNotFoundError: no such file or folder.
            ValueError: a folder without a file of a known ending.
        """
        items = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        found: List[Input] = []
        for item in items:
            if not isinstance(item, (str, Path)):
                found.append(item)
                continue
            path = Path(item)
            if not path.exists():
                raise FileNotFoundError(f'no such input: {path}')
            if not path.is_dir():
                found.append(str(path))
                continue
            files = sorted(str(file) for file in path.iterdir() if file.suffix.lower() in self.extensions)
            if not files:
                raise ValueError(f'{path} holds no file ending in one of {tuple(self.extensions)}')
            found += files
        return found

    def visualize(self, inputs: List[Input], preds: List[Any], vis_out_dir: Optional[str] = None) -> List[np.ndarray]:
        """Draw each prediction; returns the pictures (RGB), and writes them into ``vis_out_dir`` if it is given."""
        if vis_out_dir is None:
            return []
        if not hasattr(self.visualizer, 'draw_input'):
            raise ValueError(
                "the config's visualizer draws no predictions; give it a visualizer of vlplugins for its task"
            )
        self.visualizer.dataset_meta = dict(classes=self.classes)
        pictures = []
        for index, (item, sample) in enumerate(zip(inputs, preds)):
            path = Path(vis_out_dir, self.picture_name(index, item))
            pictures.append(self.visualizer.draw_input(path.stem, item, sample, out_file=str(path)))
        return pictures

    def postprocess(
        self,
        preds: List[Any],
        visualization: List[np.ndarray],
        return_datasamples: bool = False,
        pred_out_file: Optional[str] = None,
    ) -> Dict[str, Any]:
        """Plain data (also written to ``pred_out_file`` as JSON), or the data samples."""
        if return_datasamples and pred_out_file is None:
            return dict(predictions=preds, visualization=visualization)
        plain = [self.to_plain(sample) for sample in preds]
        if pred_out_file is not None:
            Path(pred_out_file).parent.mkdir(parents=True, exist_ok=True)
            Path(pred_out_file).write_text(json.dumps(plain, indent=1) + '\n', encoding='utf-8')
        return dict(predictions=preds if return_datasamples else plain, visualization=visualization)

    @torch.no_grad()
    def forward(self, inputs: Any, **kwargs: Any) -> List[Any]:
        """Predict one batch."""
        return self.model.test_step(inputs)
