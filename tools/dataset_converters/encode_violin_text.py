"""Turn the subtitles and statements of VIOLIN into features of their words, one .npz for each clip.

Example: python tools/dataset_converters/encode_violin_text.py data/violin/violin_annotation.json \
             --out data/violin/text/minilm --encoder minilm
Files that are there and are of the same texts and encoder are kept: a killed run goes on where it was. --encoder takes
'minilm', 'hash', the .npz of word vectors (GloVe, by word_vectors_to_npz.py), or a folder with a model of transformers,
such as a BERT that was fine-tuned on the statements.
"""

import argparse
import functools
import multiprocessing
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional

import numpy as np
from tqdm import tqdm

import vlplugins  # noqa: F401  (registers the encoders)
from vlplugins.datasets.formats.violin_annotations import ViolinFile, clean_statement
from vlplugins.datasets.text_encoders import HashSentenceEncoder, TransformerSentenceEncoder, WordVectorEncoder
from vlplugins.datasets.transforms.text_features import digest_of, encode_clip
from vlplugins.utils.cli import friendly_errors
from vlplugins.utils.files import write_npz
from vlplugins.utils.records import RecordError
from vlplugins.utils.safe_npz import load_npz


@functools.lru_cache(maxsize=1)
def make_encoder(name: str, dim: int, device: str) -> Any:
    """The encoder of the command line; once for each process."""
    if name == 'hash':
        return HashSentenceEncoder(dim)
    if name.endswith('.npz'):
        return WordVectorEncoder(name)
    return TransformerSentenceEncoder(model=name, dim=dim, max_length=256, batch_size=8, device=device)


def is_current(path: Path, made_of: List[str], fingerprint: str) -> bool:
    """Whether a file holds the features of these texts by this encoder."""
    try:
        found = load_npz(path, ['texts', 'encoder'])
    except RecordError:
        return False
    return str(found['encoder']) == fingerprint and found['texts'].tolist() == made_of


def encode(clip: Dict[str, Any], out: Path, name: str, dim: int, device: str) -> str:
    """Encode a clip; returns ``'kept'`` or ``'written'``."""
    encoder = make_encoder(name, dim, device)
    lines = [clean_statement(line) for line in clip['lines']]
    statements = [clean_statement(text) for pair in clip['statements'] for text in pair]
    path = out / f'{clip["clip_id"]}.npz'
    if is_current(path, [digest_of('\n'.join(lines)), *map(digest_of, statements)], encoder.fingerprint):
        return 'kept'
    write_npz(path, dict(encode_clip(encoder, lines, statements), encoder=np.array(encoder.fingerprint)))
    return 'written'


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Encode."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('annotations', help='violin_annotation.json')
    parser.add_argument('--out', type=Path, required=True, help='folder of the features')
    parser.add_argument('--encoder', default='minilm', help="'minilm', 'hash', a .npz of word vectors, or a folder")
    parser.add_argument('--dim', type=int, default=384, help='numbers of a word (384; 768 for BERT-base)')
    parser.add_argument('--device', default='cpu', help='where to compute (cpu)')
    parser.add_argument('--workers', type=int, default=1, help='processes (1)')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args(argv)
    file = ViolinFile(args.annotations)
    print(file.summary())
    work = functools.partial(encode, out=args.out, name=args.encoder, dim=args.dim, device=args.device)
    bar = functools.partial(tqdm, total=len(file.clips), desc='encoding clips', file=sys.stderr, disable=None)
    if args.workers > 1:
        with multiprocessing.get_context('spawn').Pool(args.workers) as pool:
            done = list(bar(pool.imap(work, file.clips, chunksize=8)))
    else:
        done = list(bar(map(work, file.clips)))
    print(f'{args.out}: {done.count("written")} clips encoded, {done.count("kept")} kept')


if __name__ == '__main__':
    main()
