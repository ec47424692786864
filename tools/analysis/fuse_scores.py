"""Fuse the predictions of recognisers that were trained apart, such as one for each stream of skeleton features.

Example: python tools/analysis/fuse_scores.py key.pkl bone.pkl motion.pkl --weights 0.4 0.3 0.3
A file holds what DumpResults wrote while testing (tools/test.py --dump). Records are joined by their name, frame_dir,
and sets of records that differ are refused. Scores are probabilities; --logits applies a softmax first.
"""

import argparse
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import torch

from vlplugins.models.layers.score_fusion import fused_log_probability
from vlplugins.utils import safe_pickle
from vlplugins.utils.cli import UsageError, friendly_errors
from vlplugins.utils.records import RecordError


def read_scores(path: str) -> Dict[str, Tuple[torch.Tensor, int]]:
    """Score ``[K]`` and label of each record of a dump.

    Raises:
        RecordError: no list of predictions, a record without name, score or label, or a name that comes twice.
    """
    dump, found = safe_pickle.load(path), {}
    if not isinstance(dump, list) or not dump:
        raise RecordError(path, f'a {type(dump).__name__}', 'a list of predictions as DumpResults writes')
    for index, record in enumerate(dump):
        lacking = [key for key in ('frame_dir', 'pred_score', 'gt_label') if record.get(key) is None]
        if lacking:
            hint = "; put 'frame_dir' among the meta_keys of PackActionInputs" if 'frame_dir' in lacking else ''
            raise RecordError(path, f'no {", ".join(lacking)}', f'a name, a score and a label{hint}', index)
        if record['frame_dir'] in found:
            raise RecordError(path, 'a name that came before', 'one prediction for each name', record['frame_dir'])
        score = torch.as_tensor(record['pred_score']).double()
        found[record['frame_dir']] = (score, int(torch.as_tensor(record['gt_label'])))
    return found


def fuse(paths: Sequence[str], weights: Sequence[float], logits: bool = False) -> Tuple[torch.Tensor, torch.Tensor]:
    """Fused probabilities ``[N, K]`` and labels ``[N]``, in the order of the names.

    Raises:
        RecordError: sets of names, labels or numbers of classes that differ.
    """
    dumps = [read_scores(path) for path in paths]
    names = sorted(dumps[0])
    for path, dump in zip(paths[1:], dumps[1:]):
        apart = sorted(set(names) ^ set(dump))
        if apart:
            raise RecordError(path, f'{len(apart)} names that {paths[0]} and it do not share, as {apart[0]}', 'one set')
        for name in names:
            if dump[name][1] != dumps[0][name][1] or dump[name][0].shape != dumps[0][name][0].shape:
                raise RecordError(path, 'another label or number of classes', f'those of {paths[0]}', name)
    scores = torch.stack([torch.stack([dump[name][0] for name in names]) for dump in dumps])
    labels = torch.tensor([dumps[0][name][1] for name in names])
    total = torch.tensor(weights, dtype=scores.dtype)
    return fused_log_probability(scores if logits else scores.log(), total / total.sum()).exp(), labels


def top_k(scores: torch.Tensor, labels: torch.Tensor, k: int) -> float:
    """Per cent of the records whose label is among the k highest scores."""
    return 100 * float((scores.topk(k, dim=1).indices == labels[:, None]).any(dim=1).float().mean())


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Fuse and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('dumps', nargs='+', help='files that DumpResults wrote')
    parser.add_argument('--weights', nargs='+', type=float, help='of each file (default: equal)')
    parser.add_argument('--logits', action='store_true', help='scores are logits, not probabilities')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args(argv)
    weights: Any = args.weights or [1.0] * len(args.dumps)
    if len(weights) != len(args.dumps) or min(weights) < 0 or sum(weights) <= 0:
        raise UsageError(f'weights {weights} must be {len(args.dumps)} numbers of at least 0, not all 0')
    for path in args.dumps:
        if not Path(path).is_file():
            raise UsageError(f'no such file: {path}')
    rows = [(Path(path).name, [path], [1.0]) for path in args.dumps] + [('fused', args.dumps, weights)]
    for name, paths, each in rows:
        scores, labels = fuse(paths, each, args.logits)
        tops = [k for k in (1, 5) if k <= scores.size(1)]
        print(f'{name}: ' + ', '.join(f'top-{k} {top_k(scores, labels, k):.2f}' for k in tops) + f' ({len(labels)})')


if __name__ == '__main__':
    main()
