"""MPI-INF-3DHP as a test set of pose lifting."""

import re
from typing import Any, Dict

import numpy as np

from vlplugins.datasets.formats.pose_table import PoseTable, read_common
from vlplugins.datasets.pose_lifting import PoseLiftingDataset
from vlplugins.registry import DATASETS
from vlplugins.utils.records import RecordError
from vlplugins.utils.safe_npz import load_npz

# Of mmpose's 17 joints (head top, neck, arms, legs, root, spine, head) the 16 of Human3.6M.
JOINTS_OF_17 = (14, 8, 9, 10, 11, 12, 13, 15, 1, 16, 5, 6, 7, 2, 3, 4)
# Of the 24 joints of the public ``mpi_inf_3dhp_valid.npz``.
JOINTS_OF_24 = (14, 2, 1, 0, 3, 4, 5, 16, 12, 18, 9, 10, 11, 8, 7, 6)
# Width and height by sequence; the fifth and sixth were taken outdoors with another camera.
_STUDIO, _OUTDOORS = (2048, 2048), (1920, 1080)
_SEQUENCE = re.compile(r'TS(\d)')


def image_size_of(sequence: str) -> tuple:
    """Width and height of the pictures of a test sequence, by its number."""
    match = _SEQUENCE.search(sequence)
    return _OUTDOORS if match and match[1] in '56' else _STUDIO


@DATASETS.register_module()
class MPIINF3DHPLiftingDataset(PoseLiftingDataset):
    """MPI-INF-3DHP, 16 joints, of three layouts, told apart by keys and joints:

    - ``test_3dhp.npz`` of PoseAug (``pose3d [N, 16, 3]`` in metres, ``pose2d [N, 16, 2]`` in screen coordinates), and
    the
      common file that our converter writes;
    - ``mpi_inf_3dhp_{train,test_valid,test_all}.npz`` of mmpose's converter (``imgname``, ``part``, ``S``, 17 joints);
    - the public ``mpi_inf_3dhp_valid.npz`` with 24 joints.

    The size of the pictures follows from the name of the sequence (TS5 and TS6 are outdoors).

    Args:
        kwargs: Arguments of :class:`PoseLiftingDataset`.

    Raises:
        RecordError: as there; another layout.
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault('name', '3dhp')
        super().__init__(**kwargs)

    def read(self) -> PoseTable:
        """Read the file."""
        content = load_npz(self.ann_file)
        if 'pose3d' in content:
            return read_common(self.ann_file)
        if not {'imgname', 'part', 'S'} <= set(content):
            expected = "'pose3d' and 'pose2d', or 'imgname', 'part' and 'S'"
            raise RecordError(self.ann_file, f'the keys {sorted(content)}', expected)
        return self._from_frames(content)

    def _from_frames(self, content: Dict[str, np.ndarray]) -> PoseTable:
        orders = {17: JOINTS_OF_17, 24: JOINTS_OF_24}
        joints = content['S'].shape[1]
        if joints not in orders or content['part'].shape[1] != joints:
            found = f'{joints} joints in S and {content["part"].shape[1]} in part'
            raise RecordError(self.ann_file, found, '17 (mmpose) or 24 in both')
        order = list(orders[joints])
        names = [str(name) for name in content['imgname']]
        numbers = [int((re.findall(r'(\d+)\.\w+$', name) or ['0'])[0]) for name in names]
        sequences = [(_SEQUENCE.search(name) or ['unknown'])[0] for name in names]
        return PoseTable(
            pose3d=content['S'][:, order, :3].astype(np.float32),
            pose2d=content['part'][:, order, :2].astype(np.float32),
            image_size=np.array([image_size_of(name) for name in names], dtype=np.float32),
            camera=None,
            subject=np.array(sequences),
            action=np.array(sequences),
            frame=np.array(numbers),
        )
