"""Make small copies of videos, which load many times faster: short side 224 pixels, 3 frames a second, no sound.

Example: python tools/dataset_converters/compress_videos.py data/msrvtt/raw data/msrvtt/videos --jobs 8

The folders below are kept, and so are the names; the copies end in .mp4 (the data sets find x.mp4 where the annotations
say x.avi). A second run goes on where the first was interrupted. Needs the program ffmpeg.
"""

import argparse
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import List, Optional, Tuple

from tqdm import tqdm

from vlplugins.apis.text_video_retrieval_inferencer import VIDEO_EXTENSIONS
from vlplugins.utils.cli import UsageError, friendly_errors
from vlplugins.utils.records import SkipCounter


def ffmpeg_command(ffmpeg: str, source: Path, target: Path, size: int, fps: float) -> List[str]:
    """Command that writes the copy: the short side becomes ``size``, the other one keeps the ratio and is even."""
    is_wide = 'gt(iw,ih)'
    scale = f"scale='if({is_wide},-2,{size})':'if({is_wide},{size},-2)':flags=bicubic"
    command = [ffmpeg, '-nostdin', '-y', '-v', 'error', '-i', str(source)]
    return command + ['-vf', f'fps={fps:g},{scale}', '-pix_fmt', 'yuv420p', '-an', '-f', 'mp4', str(target)]


def compress(ffmpeg: str, source: Path, target: Path, size: int, fps: float) -> Optional[str]:
    """Write one copy in one piece; returns the reason where that fails."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f'.{target.name}.{os.getpid()}')
    try:
        done = subprocess.run(
            ffmpeg_command(ffmpeg, source, temporary, size, fps), capture_output=True, text=True, check=False
        )
        if done.returncode:
            lines = done.stderr.strip().splitlines()
            return lines[-1] if lines else f'ffmpeg ended with status {done.returncode}'
        if not temporary.is_file() or temporary.stat().st_size == 0:
            return 'ffmpeg has written nothing'
        os.replace(temporary, target)
        return None
    finally:
        temporary.unlink(missing_ok=True)


def find_ffmpeg(name: str) -> str:
    """Path of the program.

    Raises:
        UsageError: it is not there.
    """
    found = shutil.which(name)
    if found is None:
        raise UsageError(
            f"no program '{name}'; install ffmpeg with the system's package manager, or pip install imageio-ffmpeg and "
            'give --ffmpeg the path that imageio_ffmpeg.get_ffmpeg_exe() returns'
        )
    return found


def plan(videos: Path, out: Path) -> List[Tuple[Path, Path]]:
    """Every video below ``videos`` with the path of its copy.

    Raises:
        UsageError: no video, or two whose copies would have one name.
    """
    if not videos.is_dir():
        raise UsageError(f'no such folder: {videos}')
    inside = out.resolve()
    sources = sorted(
        path
        for path in videos.rglob('*')
        if path.suffix.lower() in VIDEO_EXTENSIONS and path.is_file() and inside not in path.resolve().parents
    )
    if not sources:
        raise UsageError(f'{videos} holds no file ending in one of {VIDEO_EXTENSIONS}')
    targets = [(out / path.relative_to(videos)).with_suffix('.mp4') for path in sources]
    seen = {}
    for source, target in zip(sources, targets):
        if seen.setdefault(target, source) is not source:
            raise UsageError(f'{seen[target]} and {source} would both become {target}')
    return list(zip(sources, targets))


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Compress."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('videos', type=Path, help='folder of videos, searched through')
    parser.add_argument('out', type=Path, help='folder of the copies')
    parser.add_argument('--size', type=int, default=224, help='short side in pixels, even (default: 224)')
    parser.add_argument('--fps', type=float, default=3.0, help='frames per second (default: 3)')
    parser.add_argument('--jobs', type=int, default=2, help='videos at a time (default: 2)')
    parser.add_argument('--ffmpeg', default='ffmpeg', help='the program (default: ffmpeg)')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args(argv)
    if args.size < 2 or args.size % 2 or args.fps <= 0 or args.jobs < 1:
        raise UsageError(f'--size {args.size} must be even, --fps {args.fps} and --jobs {args.jobs} positive')
    ffmpeg = find_ffmpeg(args.ffmpeg)
    pairs = plan(args.videos, args.out)
    todo = [(source, target) for source, target in pairs if not target.is_file()]
    skipped, failures = SkipCounter('videos'), []
    for _ in range(len(pairs) - len(todo)):
        skipped.add('already there')
    with ThreadPoolExecutor(args.jobs) as pool:
        reasons = pool.map(lambda pair: compress(ffmpeg, *pair, args.size, args.fps), todo)
        for (source, _), reason in zip(todo, tqdm(reasons, total=len(todo), desc='compressing')):
            if reason is not None:
                skipped.add('failed')
                failures.append(f'{source}: {reason}')
    print(f'{len(pairs)} videos read, {len(todo) - len(failures)} written to {args.out}; {skipped.summary()}')
    print(''.join(f'  {failure}\n' for failure in failures), end='')
    if failures:
        raise SystemExit(1)


if __name__ == '__main__':
    main()
