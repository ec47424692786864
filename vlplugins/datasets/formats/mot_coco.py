"""Sequences of MOT Challenge as one file of COCO with videos, with the keys that mmdet reads and writes."""

from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple, Union

import numpy as np

from vlplugins.datasets.formats.tracking_files import read_mot_table, read_seqinfo
from vlplugins.utils.records import RecordError, SkipCounter

MOT_CLASSES = (
    'pedestrian', 'person_on_vehicle', 'car', 'bicycle', 'motorbike', 'non_mot_vehicle', 'static_person', 'distractor',
    'occluder', 'occluder_on_ground', 'occluder_full', 'reflection', 'crowd',
)  # fmt: skip
PARTS = ('all', 'train_half', 'val_half')


def frames_of_part(length: int, part: str) -> range:
    """Frames, counted from 0, of a part of a sequence: ``'all'``, ``'train_half'`` (up to the middle frame,
    ``length // 2``, included) or ``'val_half'`` (all after it).

    Raises:
        ValueError: another part.
    """
    if part not in PARTS:
        raise ValueError(f'part {part!r} is unknown; expected one of {PARTS}')
    middle = length // 2 + 1
    return dict(all=range(length), train_half=range(middle), val_half=range(middle, length))[part]


def mot_to_coco(
    folder: Union[str, Path], part: str = 'all', detector: Optional[str] = None
) -> Tuple[Dict[str, Any], SkipCounter]:
    """Join the sequences of a folder.

    ``images`` have ``file_name`` (from ``folder``), ``video_id``, ``frame_id`` (from 0 within the part) and
    ``mot_frame_id`` (from 1, as in the files); ``annotations`` have ``instance_id`` (from 1, never the same in two
    sequences), ``mot_instance_id``, ``mot_conf``, ``visibility``, and as ``category_id`` the class of the file. All
    rows are kept, also those that training leaves out (confidence 0, other classes), because the official evaluation
    needs them. A sequence without ``gt/gt.txt`` (of a test) has no annotations.

    Args:
        folder: ``train`` or ``test`` of MOT16, MOT17 or MOT20.
        part: See :func:`frames_of_part`.
        detector: Keep sequences whose name ends so (``'FRCNN'``): MOT17 has each video three times.

    Returns:
        The content of the file, and the count of rows of frames that the sequence does not have.

    Raises:
        RecordError: no sequence, another number of images than ``seqinfo.ini`` says, or a damaged file.
    """
    folder, dropped = Path(folder), SkipCounter('rows')
    names = sorted(path.parent.name for path in folder.glob('*/seqinfo.ini'))
    names = [name for name in names if detector is None or name.endswith(f'-{detector}')]
    if not names:
        wanted = 'sequences with a seqinfo.ini' + (f' that end in -{detector}' if detector else '')
        raise RecordError(folder, 'none', wanted)
    content: Dict[str, List[dict]] = dict(
        categories=[dict(id=index, name=name) for index, name in enumerate(MOT_CLASSES, start=1)],
        videos=[],
        images=[],
        annotations=[],
    )
    instances: Dict[Tuple[int, int], int] = {}
    for name in names:
        _add_sequence(content, folder / name, part, instances, dropped)
    return dict(content, num_instances=len(instances)), dropped


def _add_sequence(
    content: Dict[str, List[dict]], folder: Path, part: str, instances: Dict[Tuple[int, int], int], dropped: SkipCounter
) -> None:
    info = read_seqinfo(folder / 'seqinfo.ini')
    length, size = info['seqLength'], dict(width=info['imWidth'], height=info['imHeight'])
    images = sorted(path.name for path in (folder / info['imDir']).glob(f'*{info["imExt"]}'))
    if len(images) != length:
        raise RecordError(folder / info['imDir'], f'{len(images)} images', f'{length}, as seqinfo.ini says')
    video = len(content['videos']) + 1
    content['videos'].append(dict(id=video, name=folder.name, fps=info['frameRate'], **size))
    first_image = len(content['images']) + 1
    frames = frames_of_part(length, part)
    for index, frame in enumerate(frames):
        name = f'{folder.name}/{info["imDir"]}/{images[frame]}'
        image = dict(id=first_image + index, video_id=video, file_name=name, frame_id=index, mot_frame_id=frame + 1)
        content['images'].append({**image, **size})
    truth = folder / 'gt' / 'gt.txt'
    if not truth.is_file():
        return
    table = read_mot_table(truth)
    for row in np.lexsort((table.track, table.frame)):
        frame = int(table.frame[row]) - 1
        if frame >= length:
            dropped.add(f'of frames that {folder.name} does not have')
        elif frame in frames:
            track = int(table.track[row])
            box = table.boxes[row].tolist()
            content['annotations'].append(
                dict(
                    id=len(content['annotations']) + 1,
                    image_id=first_image + frame - frames.start,
                    category_id=int(table.category[row]),
                    bbox=box,
                    area=box[2] * box[3],
                    iscrowd=0,
                    visibility=float(table.visibility[row]),
                    mot_instance_id=track,
                    mot_conf=float(table.confidence[row]),
                    instance_id=instances.setdefault((video, track), len(instances) + 1),
                )
            )
