"""Human3.6M for pose lifting, in the layout of VideoPose3D and PoseAug or in that of mmpose."""

import re
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
from mmengine.logging import print_log

from vlplugins.datasets.formats.pose_table import PoseTable, check_table, project_pixels
from vlplugins.datasets.pose_lifting import PoseLiftingDataset
from vlplugins.registry import DATASETS
from vlplugins.structures.skeleton_layout import convert_joints
from vlplugins.utils import safe_pickle
from vlplugins.utils.records import RecordError
from vlplugins.utils.safe_npz import load_npz

# The order of the cameras in the files of VideoPose3D.
CAMERA_NAMES = ('54138969', '55011271', '58860488', '60457274')
# Of the 32 joints of Human3.6M the 16 that are used; without index 14 (neck, nose) of the usual 17.
JOINTS_OF_32 = (0, 1, 2, 3, 6, 7, 8, 12, 13, 15, 17, 18, 19, 25, 26, 27)
# The video of this take is damaged in the released data.
_BAD_TAKES = {('S11', 'Directions')}
_IMAGE_NAME = re.compile(r'(S\d+)_(.+)\.([^._]+)_(\d+)\.\w+$')
Cameras = Dict[Tuple[str, str], dict]


def read_cameras(path: str) -> Cameras:
    """Read ``cameras.pkl`` of mmpose: ``{(subject, camera): dict(R, T, c, f, k, p, w, h)}``, ``T`` in metres.

    Raises:
        RecordError: places in millimetres, or an entry of another layout.
    """
    content = safe_pickle.load(path)
    if not isinstance(content, dict):
        raise RecordError(path, f'a {type(content).__name__}', 'a dict from (subject, camera) to its parameters')
    cameras = {}
    for key, each in content.items():
        missing = sorted({'R', 'T', 'c', 'f', 'k', 'p', 'w', 'h'} - set(each))
        if missing:
            raise RecordError(path, f'a camera without {missing}', 'R, T, c, f, k, p, w, h', key)
        place = np.asarray(each['T'], dtype=float).ravel()
        if np.linalg.norm(place) > 100:
            raise RecordError(path, f'T {place} (millimetres?)', 'metres: divide T by 1000', key)
        cameras[tuple(map(str, key))] = each
    return cameras


def camera_vector(camera: dict) -> np.ndarray:
    """Focal lengths, centre, radial and tangential coefficients ``[9]``, in pixels."""
    return np.concatenate([np.asarray(camera[key], dtype=np.float64).ravel() for key in ('f', 'c', 'k', 'p')])


def world_to_camera(points: np.ndarray, camera: dict) -> np.ndarray:
    """Points ``[..., 3]`` of the world in camera space; ``R`` and ``T`` lead from the camera to the world."""
    return (points - np.asarray(camera['T'], dtype=np.float64).ravel()) @ np.asarray(camera['R'], dtype=np.float64)


def read_image_name(name: str) -> Optional[Tuple[str, str, str, int]]:
    """Subject, action with its take, camera and frame of a name as ``S9_Directions_1.54138969_000001.jpg``."""
    match = _IMAGE_NAME.match(Path(name).name)
    return None if match is None else (*match.groups()[:3], int(match[4]))


def plain_action(action: str) -> str:
    """An action without the number of its take: ``Directions 1`` and ``Directions_1`` are ``Directions``."""
    return re.sub(r'[ _]\d+$', '', action)


@DATASETS.register_module()
class Human36mLiftingDataset(PoseLiftingDataset):
    """Human3.6M, 16 joints, of two layouts, told apart by the keys of ``ann_file``:

    - VideoPose3D and PoseAug: ``data_3d_h36m.npz`` (``positions_3d``: ``{subject: {action: [T, 32, 3]}}``, metres in
      the world), with ``keypoint_file`` ``data_2d_h36m_{gt,cpn_ft_h36m_dbb,detectron_ft_h36m,hr}.npz``
      (``positions_2d``: ``{subject: {action: [4 x [T, 16 or 17, 2]]}}``, pixels). The damaged take of S11 is left out;
    - mmpose: ``h36m_{train,test}.npz`` (``imgname``, ``part [N, 17, 3]`` in pixels, ``S [N, 17, 4]`` in metres in
    camera
      space); ``keypoint_file`` may hold other 2D poses ``[N, 17, 2 or 3]`` (``.npy``).

    Both need mmpose's ``cameras.pkl``, by which the poses are projected: where they land far from the 2D poses, the
    space is not what the layout says.

    Args:
        ann_file: The file of poses in space.
        camera_param_file: ``cameras.pkl``.
        keypoint_file: The file of 2D poses; ``None``: those of ``ann_file``, or projections where it has none.
        max_reprojection: Median distance in pixels between projected and given 2D poses that is an error.
        allow_trim: Shorten a take whose 2D and 3D poses differ in number, instead of an error.
        kwargs: Arguments of :class:`PoseLiftingDataset`.

    Raises:
        RecordError: as there; a missing camera, counts that differ, poses of another space.
    """

    def __init__(
        self,
        ann_file: str,
        camera_param_file: str,
        keypoint_file: Optional[str] = None,
        max_reprojection: float = 5.0,
        allow_trim: bool = False,
        data_root: str = '',
        **kwargs: Any,
    ) -> None:
        self.camera_param_file = str(Path(data_root or '', camera_param_file))
        self.keypoint_file = None if keypoint_file is None else str(Path(data_root or '', keypoint_file))
        self.max_reprojection, self.allow_trim = max_reprojection, allow_trim
        kwargs.setdefault('name', 'h36m')
        super().__init__(ann_file=ann_file, data_root=data_root, **kwargs)

    def read(self) -> PoseTable:
        """Read all takes."""
        cameras = read_cameras(self.camera_param_file)
        content = load_npz(self.ann_file)
        if 'positions_3d' in content:
            table, space = self._read_takes(content['positions_3d'], cameras), 'world'
        elif {'imgname', 'S', 'part'} <= set(content):
            table, space = self._read_frames(content, cameras), 'camera'
        else:
            expected = "'positions_3d' (VideoPose3D), or 'imgname', 'part' and 'S' (mmpose)"
            raise RecordError(self.ann_file, f'the keys {sorted(content)}', expected)
        check_table(table, self.ann_file)
        self._check_space(table, space)
        return table

    def _camera(self, cameras: Cameras, subject: str, name: str) -> dict:
        if (subject, name) not in cameras:
            index = CAMERA_NAMES.index(name) if name in CAMERA_NAMES else '?'
            raise RecordError(
                self.camera_param_file, f'no camera {name} (index {index}) of {subject}', 'a camera for each', subject
            )
        return cameras[subject, name]

    def _read_takes(self, positions: Dict[str, Dict[str, np.ndarray]], cameras: Cameras) -> PoseTable:
        """The layout of VideoPose3D."""
        screens = None
        if self.keypoint_file is not None:
            screens = load_npz(self.keypoint_file, ['positions_2d'])['positions_2d']
        tables: List[PoseTable] = []
        for subject, takes in positions.items():
            if self.subjects is not None and subject not in self.subjects:
                continue
            for action, world in takes.items():
                if (subject, action) in _BAD_TAKES:
                    continue
                world = self._sixteen(np.asarray(world, dtype=np.float64), f'{subject}/{action}')
                for index, name in enumerate(CAMERA_NAMES):
                    camera = self._camera(cameras, subject, name)
                    screen = None if screens is None else self._screen(screens, subject, action, index)
                    tables.append(self._take(world, screen, camera, subject, action))
        if not tables:
            raise RecordError(self.ann_file, f'the subjects {sorted(positions)}', f'some of {self.subjects}')
        return PoseTable.join(tables)

    def _sixteen(self, world: np.ndarray, record: str) -> np.ndarray:
        if world.shape[1] == 32:
            return world[:, list(JOINTS_OF_32)]
        if world.shape[1] == 17:
            return convert_joints(world, 'h36m17', 'h36m16')
        if world.shape[1] != 16:
            raise RecordError(self.ann_file, f'{world.shape[1]} joints', '32, 17 or 16 joints', record)
        return world

    def _screen(self, screens: dict, subject: str, action: str, index: int) -> np.ndarray:
        try:
            pixels = np.asarray(screens[subject][action][index], dtype=np.float64)
        except (KeyError, IndexError):
            found = f'no 2D poses of {subject}/{action}, camera index {index}'
            raise RecordError(self.keypoint_file, found, 'one array for each camera', subject) from None
        return convert_joints(pixels, 'h36m17', 'h36m16') if pixels.shape[1] == 17 else pixels

    def _take(
        self, world: np.ndarray, screen: Optional[np.ndarray], camera: dict, subject: str, action: str
    ) -> PoseTable:
        points, vector = world_to_camera(world, camera), camera_vector(camera)
        if screen is None:
            screen = project_pixels(points, np.tile(vector, (len(points), 1)))
        count = len(points)
        if len(screen) != count:
            if not self.allow_trim:
                found = f'{len(screen)} 2D poses and {count} 3D poses'
                raise RecordError(self.keypoint_file, found, 'as many (or allow_trim=True)', f'{subject}/{action}')
            count = min(len(screen), count)
        return PoseTable(
            pose3d=points[:count].astype(np.float32),
            pose2d=screen[:count, :, :2].astype(np.float32),
            image_size=np.tile(np.float32([camera['w'], camera['h']]), (count, 1)),
            camera=np.tile(vector.astype(np.float32), (count, 1)),
            subject=np.full(count, subject),
            action=np.full(count, plain_action(action)),
            # Takes of an action are apart, so that a frame names one pose.
            frame=np.arange(count) + 1_000_000 * int((re.findall(r'[ _](\d+)$', action) or ['0'])[0]),
        )

    def _read_frames(self, content: Dict[str, np.ndarray], cameras: Cameras) -> PoseTable:
        """The layout of mmpose."""
        names = [read_image_name(str(name)) for name in content['imgname']]
        if None in names:
            bad = str(content['imgname'][names.index(None)])
            raise RecordError(self.ann_file, f'the image name {bad!r}', 'as S9_Directions_1.54138969_000001.jpg')
        subject, take, camera_name, frame = (np.array(column) for column in zip(*names))
        pixels = np.load(self.keypoint_file) if self.keypoint_file is not None else content['part']
        if len(pixels) != len(names) or len(content['S']) != len(names):
            found = f'{len(names)} names, {len(pixels)} 2D poses, {len(content["S"])} 3D poses'
            raise RecordError(self.ann_file, found, 'as many')
        vectors, sizes = np.empty((len(names), 9)), np.empty((len(names), 2))
        for key in sorted(set(zip(subject.tolist(), camera_name.tolist()))):
            rows = (subject == key[0]) & (camera_name == key[1])
            camera = self._camera(cameras, *key)
            vectors[rows], sizes[rows] = camera_vector(camera), (camera['w'], camera['h'])
        number = np.array([int((re.findall(r'[ _](\d+)$', each) or ['0'])[0]) for each in take.tolist()])
        return PoseTable(
            pose3d=self._sixteen(content['S'][..., :3].astype(np.float64), 'S').astype(np.float32),
            pose2d=self._sixteen(pixels[..., :2].astype(np.float64), 'part').astype(np.float32),
            image_size=sizes.astype(np.float32),
            camera=vectors.astype(np.float32),
            subject=subject,
            action=np.array([plain_action(each) for each in take.tolist()]),
            frame=frame + 1_000_000 * number,
        )

    def _check_space(self, table: PoseTable, space: str) -> None:
        """Project a sample of the poses and compare."""
        rows = np.unique(np.linspace(0, len(table) - 1, 200).astype(int))
        sample = table[rows]
        distance = np.linalg.norm(project_pixels(sample.pose3d, sample.camera) - sample.pose2d, axis=2)
        median = float(np.median(distance))
        # Detections are some pixels off; poses of another space are hundreds off.
        bound = self.max_reprojection * (1 if self.keypoint_file is None or 'gt' in self.keypoint_file else 10)
        if not median <= bound:
            raise RecordError(
                self.ann_file,
                f'poses that project {median:.0f} pixels (median) from the 2D poses',
                f'poses in {space} space in metres, and the cameras of the same subjects',
            )
        print_log(f'{self.name}: poses project {median:.2f} pixels (median) from the 2D poses', logger='current')
