"""Convert the annotations of MSR-VTT, MSVD, LSMDC or ActivityNet Captions to the common JSON file.

Examples:
  python tools/dataset_converters/text_video_to_json.py msrvtt data/msrvtt/train.json \\
      --ann-file data/msrvtt/MSRVTT_data.json --split-file data/msrvtt/MSRVTT_train.9k.csv
  python tools/dataset_converters/text_video_to_json.py lsmdc data/lsmdc/test.json \\
      --ann-file data/lsmdc/LSMDC16_challenge_1000_publictect.csv --videos data/lsmdc/videos --skip-missing

The result is {"metainfo": {...}, "data_list": [{"video", "video_id", "captions", "start", "end"}]}, which every data
set of text-video retrieval reads as its ann_file. A second run with the same input leaves the file alone.
"""

import argparse
import json
import os
from pathlib import Path
from typing import Any, Dict, List, Optional

from tqdm import tqdm

from vlplugins.datasets import (
    ActivityNetParagraphDataset,
    LSMDCRetrievalDataset,
    MSRVTTRetrievalDataset,
    MSVDRetrievalDataset,
    TextVideoDataset,
)
from vlplugins.utils.cli import UsageError, friendly_errors
from vlplugins.utils.files import write_if_changed

_DATASETS = dict(
    msrvtt=MSRVTTRetrievalDataset,
    msvd=MSVDRetrievalDataset,
    lsmdc=LSMDCRetrievalDataset,
    activitynet=ActivityNetParagraphDataset,
)


def to_common(dataset: TextVideoDataset, name: str, videos: str, split_file: str) -> Dict[str, Any]:
    """Content of the common file of a data set in test mode."""
    entries = []
    for index in tqdm(range(len(dataset)), desc='converting'):
        record = dataset.get_data_info(index)
        path = os.path.relpath(record['video_path'], videos) if videos else record['video_path']
        entry = dict(video=path, video_id=record['video_id'], captions=record['text'])
        entries.append(dict(entry, start=record['start'], end=record['end']))
    metainfo = dict(dataset=dataset.metainfo.get('dataset', name), split=Path(split_file).stem)
    return dict(metainfo=metainfo, data_list=entries)


def build_dataset(args: argparse.Namespace) -> TextVideoDataset:
    """The data set that reads the files of the command line.

    Raises:
        UsageError: an argument that the data set does not have.
    """
    options = dict(ann_file=args.ann_file, split_file=args.split_file, skip_missing=args.skip_missing)
    if args.video_suffix is not None:
        options['video_suffix'] = args.video_suffix
    if args.video_paths_file:
        if args.dataset not in ('lsmdc', 'activitynet'):
            raise UsageError(f'--video-paths-file is for lsmdc and activitynet, not for {args.dataset}')
        options['video_paths_file'] = args.video_paths_file
    if args.skip_missing and not args.videos:
        raise UsageError('--skip-missing needs --videos, the folder to look in')
    return _DATASETS[args.dataset](data_prefix=dict(video=args.videos), test_mode=True, **options)


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Convert."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('dataset', choices=sorted(_DATASETS), help='format of the annotations')
    parser.add_argument('out', type=Path, help='JSON file to write')
    parser.add_argument('--ann-file', default='', help='annotation file (not needed for the test list of MSR-VTT)')
    parser.add_argument('--split-file', default='', help='ids of the split')
    parser.add_argument('--video-paths-file', default='', help='JSON dict from clip to path (LSMDC, ActivityNet)')
    parser.add_argument('--video-suffix', help='ending of the videos (default: that of the data set)')
    parser.add_argument('--videos', default='', help='folder of the videos')
    parser.add_argument('--skip-missing', action='store_true', help='drop videos that are not below --videos')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args(argv)
    if not args.ann_file and not args.split_file:
        raise UsageError('give --ann-file, --split-file, or both')
    dataset = build_dataset(args)
    content = to_common(dataset, args.dataset, args.videos, args.split_file or args.ann_file)
    is_written = write_if_changed(args.out, json.dumps(content, indent=1, ensure_ascii=False) + '\n')
    captions = sum(len(entry['captions']) for entry in content['data_list'])
    print(f'{len(dataset) + dataset.left_out.total} videos read, {len(dataset)} kept; {dataset.left_out.summary()}')
    print(f'{captions} captions, {dataset.num_blank} of them blank')
    print(f'{args.out} {"written" if is_written else "is up to date"}')


if __name__ == '__main__':
    main()
