"""Turn the subtitles of Temporal Emotion Localization into features, one .npz for each film.

Example: python tools/dataset_converters/extract_tel_text.py --ann-file data/tel/train.json data/tel/test.json \\
             --out data/tel/features/minilm --cache data/cache/minilm.npz
Each clip is an array float16 [N, D], in the order of its lines; an empty line is the zero vector. Every sentence is
encoded once and kept in the cache: a killed run goes on where it was, and a second one only writes the files.
"""

import argparse
from pathlib import Path
from typing import Any, Dict, List, Optional

import numpy as np

import vlplugins  # noqa: F401  (registers the encoders)
from vlplugins.datasets.formats.subtitles import clean_subtitle
from vlplugins.datasets.formats.tel_annotations import TELFile
from vlplugins.datasets.text_encoders import CachedSentenceEncoder
from vlplugins.utils.cli import friendly_errors
from vlplugins.utils.files import write_npz


def make_encoder(args: argparse.Namespace) -> CachedSentenceEncoder:
    """The encoder of the command line, with its cache."""
    if args.encoder == 'hash':
        encoder = dict(type='HashSentenceEncoder', dim=args.dim)
    else:
        encoder = dict(type='TransformerSentenceEncoder', model=args.encoder, dim=args.dim, device=args.device)
        encoder['batch_size'] = args.batch_size
    return CachedSentenceEncoder(encoder, args.cache)


def extract(clips: List[Dict[str, Any]], encoder: CachedSentenceEncoder, out: Path) -> Dict[str, int]:
    """Write the features; returns counts."""
    lines = [clean_subtitle(line) for clip in clips for line in clip['subtitles']]
    vectors = encoder.encode(lines).astype(np.float16)
    films: Dict[str, Dict[str, np.ndarray]] = {}
    begin = 0
    for clip in clips:
        end = begin + len(clip['subtitles'])
        films.setdefault(clip['imdb'], {})[clip['clip']] = vectors[begin:end]
        begin = end
    for film, arrays in films.items():
        write_npz(out / f'{film}.npz', arrays)
    blank = sum(not line for line in lines)
    return dict(films=len(films), clips=len(clips), lines=len(lines), sentences=len(set(lines)), blank=blank)


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Extract."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--ann-file', nargs='+', required=True, help='released or converted annotations')
    parser.add_argument('--out', type=Path, required=True, help='folder of the features')
    parser.add_argument('--cache', required=True, help='.npz file of all sentences')
    parser.add_argument('--encoder', default='minilm', help="'minilm', 'hash', or a folder with a model (minilm)")
    parser.add_argument('--dim', type=int, default=384, help='numbers of a line (384)')
    parser.add_argument('--batch-size', type=int, default=64, help='sentences at a time (64)')
    parser.add_argument('--device', default='cpu', help='where to compute (cpu)')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args(argv)
    clips = [clip for path in args.ann_file for clip in TELFile(path).clips]
    counts = extract(clips, make_encoder(args), args.out)
    print(f'{", ".join(f"{count:,} {what}" for what, count in counts.items())} in {args.out}')


if __name__ == '__main__':
    main()
