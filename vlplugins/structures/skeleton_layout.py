"""What a skeleton is made of: joints, parents, sides, column order; and how one layout becomes another."""

from dataclasses import dataclass, field
from functools import cache
from typing import Any, Dict, Mapping, Sequence, Tuple, Union

import numpy as np

from vlplugins.utils.records import RecordError

# How a joint that a layout lacks is made of others: their mean. A rule may need joints that another rule makes.
_RULES: Dict[str, Tuple[str, ...]] = dict(
    pelvis=('left_hip', 'right_hip'),
    thorax=('left_shoulder', 'right_shoulder'),
    spine=('pelvis', 'thorax'),
    head=('nose', 'left_eye', 'right_eye', 'left_ear', 'right_ear'),
    neck=('thorax', 'head'),
)


@dataclass(frozen=True)
class SkeletonLayout:
    """The joints of a skeleton, as plain data.

    Joints of the same name mean the same place in all layouts: ``pelvis`` (base of the spine, middle of the hips),
    ``spine`` (its middle), ``thorax`` (middle of the shoulders), ``neck``, ``head``, ``left_hip``, ...

    Args:
        name: Name of the layout.
        joints: Name of each joint; a name that begins with ``left_`` or ``right_`` is on that side.
        parents: Parent of each joint; the root is its own. They form one tree.
        order: A permutation of the joints that keeps each limb together; the given order by default.
        anchors: Joints of the body frame, ``hip``, ``neck``, ``left_shoulder``, ``right_shoulder``, ``left_hip`` and
            ``right_hip``, where they are not the joints of these names (``hip`` and ``neck``: ``pelvis`` and
            ``thorax``).
        key_joints: Joints that others are seen from.
        origin: The joint at which the body is.
        extra_links: Pairs of joints that are drawn as connected beside the tree.

    Raises:
        ValueError: names that repeat, lengths that differ, parents that form no tree, an order that is no permutation.
    """

    name: str
    joints: Tuple[str, ...]
    parents: Tuple[int, ...]
    order: Tuple[int, ...] = ()
    anchors: Mapping[str, int] = field(default_factory=dict)
    key_joints: Tuple[int, ...] = ()
    origin: int = 0
    extra_links: Tuple[Tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        for key in ('joints', 'parents', 'key_joints'):
            object.__setattr__(self, key, tuple(getattr(self, key)))
        object.__setattr__(self, 'order', tuple(self.order) or tuple(range(len(self.joints))))
        object.__setattr__(self, 'extra_links', tuple(tuple(link) for link in self.extra_links))
        object.__setattr__(self, 'anchors', {**self._default_anchors(), **self.anchors})
        self._check()

    def __hash__(self) -> int:
        return hash((self.name, self.joints, self.parents))

    def _default_anchors(self) -> Dict[str, int]:
        names = dict(hip='pelvis', neck='thorax')
        names.update({f'{side}_{part}': f'{side}_{part}' for side in ('left', 'right') for part in ('shoulder', 'hip')})
        return {anchor: self.joints.index(joint) for anchor, joint in names.items() if joint in self.joints}

    def _check(self) -> None:
        count, what = len(self.joints), f'skeleton layout {self.name!r}'
        if not count or len(set(self.joints)) != count:
            raise ValueError(f'{what}: the names of the joints {self.joints} must be there and differ')
        if len(self.parents) != count:
            raise ValueError(f'{what}: {len(self.parents)} parents for {count} joints')
        if sorted(self.order) != list(range(count)):
            raise ValueError(f'{what}: order {self.order} is no permutation of {count} joints')
        indices = [*self.parents, *self.key_joints, self.origin, *self.anchors.values(), *sum(self.extra_links, ())]
        if not all(0 <= index < count for index in indices):
            raise ValueError(f'{what}: {sorted(set(indices) - set(range(count)))} are no indices of {count} joints')
        roots = [joint for joint in range(count) if self.parents[joint] == joint]
        if len(roots) != 1:
            raise ValueError(f'{what}: found the roots {roots}; expected one joint that is its own parent')
        for joint in range(count):
            place = joint
            for _ in range(count):
                place = self.parents[place]
            if place != roots[0]:
                raise ValueError(f'{what}: joint {joint} ({self.joints[joint]}) does not hang on the root {roots[0]}')

    @property
    def num_joints(self) -> int:
        """Number of joints."""
        return len(self.joints)

    @property
    def root(self) -> int:
        """The joint that is its own parent."""
        return next(joint for joint, parent in enumerate(self.parents) if joint == parent)

    @property
    def sides(self) -> Tuple[str, ...]:
        """``'left'``, ``'right'`` or ``'centre'`` for each joint."""
        return tuple(name.split('_')[0] if name.startswith(('left_', 'right_')) else 'centre' for name in self.joints)

    @property
    def bones(self) -> Tuple[Tuple[int, int], ...]:
        """Pairs (child, parent) in the order of the children, without the root."""
        return tuple((joint, parent) for joint, parent in enumerate(self.parents) if joint != parent)

    @property
    def flip_indices(self) -> Tuple[int, ...]:
        """For each joint the one of the other side, itself in the centre."""
        swap = dict(left='right_', right='left_', centre='')
        names = [swap[side] + (name.split('_', 1)[1] if swap[side] else name) for name, side in self._named_sides()]
        return tuple(self.joints.index(name) for name in names)

    def _named_sides(self) -> Sequence[Tuple[str, str]]:
        return list(zip(self.joints, self.sides))

    def index(self, joint: str) -> int:
        """Index of a joint.

        Raises:
            ValueError: no such joint.
        """
        if joint not in self.joints:
            raise ValueError(f'skeleton layout {self.name!r} has no joint {joint!r}; it has {list(self.joints)}')
        return self.joints.index(joint)

    def check(self, points: Any, file: str = 'skeleton', record: Any = None) -> None:
        """Check that an array ``[..., V, C]`` has the joints of this layout.

        Raises:
            RecordError: it has another number of joints; a layout with that number is named.
        """
        found = points.shape[-2]
        if found != self.num_joints:
            near = [name for name, layout in LAYOUTS.items() if layout.num_joints == found]
            hint = f' (as {" or ".join(near)}: convert it)' if near else ''
            expected = f'{self.num_joints} joints in the layout {self.name!r}'
            raise RecordError(file, f'{found} joints{hint}', expected, record)


def _arm(side: str) -> Tuple[str, ...]:
    return tuple(f'{side}_{part}' for part in ('shoulder', 'elbow', 'wrist', 'hand'))


def _leg(side: str, last: str = 'foot') -> Tuple[str, ...]:
    return tuple(f'{side}_{part}' for part in ('hip', 'knee', 'ankle', last) if part)


def _both(*parts: str) -> Tuple[str, ...]:
    return tuple(f'{side}_{part}' for part in parts for side in ('left', 'right'))


_KINECT_LIMBS = (*_arm('left'), *_arm('right'), *_leg('left'), *_leg('right'))
_TIPS = ('left_hand_tip', 'left_thumb', 'right_hand_tip', 'right_thumb')
_H36M_LEGS = ('pelvis', *_leg('right', ''), *_leg('left', ''))
_H36M_ARMS = (*_arm('left')[:3], *_arm('right')[:3])

# Kinect v2 as in NTU RGB+D, Kinect v1, Human3.6M with and without the joint between thorax and head, COCO.
NTU25 = SkeletonLayout(
    'ntu25',
    joints=('pelvis', 'spine', 'neck', 'head', *_KINECT_LIMBS, 'thorax', *_TIPS),
    parents=(1, 20, 20, 2, 20, 4, 5, 6, 20, 8, 9, 10, 0, 12, 13, 14, 0, 16, 17, 18, 20, 22, 7, 24, 11),
    order=(3, 2, 20, 1, 0, 4, 5, 6, 7, 22, 21, 8, 9, 10, 11, 24, 23, 12, 13, 14, 15, 16, 17, 18, 19),
    key_joints=(20, 4, 8, 12, 16),
    origin=1,
)
KINECT20 = SkeletonLayout(
    'kinect20',
    joints=('pelvis', 'spine', 'thorax', 'head', *_KINECT_LIMBS),
    parents=(1, 2, 2, 2, 2, 4, 5, 6, 2, 8, 9, 10, 0, 12, 13, 14, 0, 16, 17, 18),
    order=(3, 2, 1, 0, *range(4, 20)),
    key_joints=(2, 4, 8, 12, 16),
    origin=1,
)
H36M17 = SkeletonLayout(
    'h36m17',
    joints=(*_H36M_LEGS, 'spine', 'thorax', 'neck', 'head', *_H36M_ARMS),
    parents=(0, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15),
    order=(10, 9, 8, 7, 0, 11, 12, 13, 14, 15, 16, 4, 5, 6, 1, 2, 3),
    key_joints=(8, 11, 14, 4, 1),
)
H36M16 = SkeletonLayout(
    'h36m16',
    joints=(*_H36M_LEGS, 'spine', 'thorax', 'head', *_H36M_ARMS),
    parents=(0, 0, 1, 2, 0, 4, 5, 0, 7, 8, 8, 10, 11, 8, 13, 14),
    order=(9, 8, 7, 0, 10, 11, 12, 13, 14, 15, 4, 5, 6, 1, 2, 3),
    key_joints=(8, 10, 13, 4, 1),
)
COCO17 = SkeletonLayout(
    'coco17',
    joints=('nose', *_both('eye', 'ear', 'shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle')),
    parents=(0, 0, 0, 1, 2, 0, 0, 5, 6, 7, 8, 5, 6, 11, 12, 13, 14),
    order=(0, 1, 3, 2, 4, 5, 7, 9, 6, 8, 10, 11, 13, 15, 12, 14, 16),
    key_joints=(5, 6, 11, 12),
    extra_links=((5, 6), (11, 12)),
)
LAYOUTS: Dict[str, SkeletonLayout] = {layout.name: layout for layout in (NTU25, KINECT20, H36M17, H36M16, COCO17)}
# What other toolboxes call them.
_ALIASES = {'nturgb+d': 'ntu25', 'ntu': 'ntu25', 'coco': 'coco17', 'h36m': 'h36m17'}


def get_layout(layout: Union[str, SkeletonLayout, Mapping[str, Any]]) -> SkeletonLayout:
    """A layout by its name, of the arguments of one, or itself.

    Raises:
        ValueError: an unknown name.
    """
    if isinstance(layout, SkeletonLayout):
        return layout
    if isinstance(layout, Mapping):
        return SkeletonLayout(**layout)
    name = _ALIASES.get(layout, layout)
    if name not in LAYOUTS:
        raise ValueError(f'no skeleton layout {layout!r}; there are {sorted([*LAYOUTS, *_ALIASES])}')
    return LAYOUTS[name]


@cache
def _conversion_matrix(source: SkeletonLayout, target: SkeletonLayout) -> np.ndarray:
    known = {name: row for name, row in zip(source.joints, np.eye(source.num_joints))}
    waiting = [name for name in _RULES if name not in known]
    while True:
        ready = [name for name in waiting if all(part in known for part in _RULES[name])]
        if not ready:
            break
        known.update({name: np.mean([known[part] for part in _RULES[name]], axis=0) for name in ready})
        waiting = [name for name in waiting if name not in known]
    missing = [name for name in target.joints if name not in known]
    if missing:
        raise ValueError(f'{source.name!r} has nothing to make {missing} of {target.name!r} from')
    matrix = np.stack([known[name] for name in target.joints])
    matrix.setflags(write=False)
    return matrix


def conversion_matrix(source: Union[str, SkeletonLayout], target: Union[str, SkeletonLayout]) -> np.ndarray:
    """Matrix ``[V_target, V_source]``, rows sum to 1: each joint of ``target`` as a mean of joints of ``source``.

    A joint of the same name is taken as it is. Otherwise the pelvis is the middle of the hips, the thorax that of the
    shoulders, the spine that of pelvis and thorax, the head the mean of nose, eyes and ears, the neck the middle of
    thorax and head (our choice; data sets place these joints differently by some centimetres).

    Raises:
        ValueError: joints of ``target`` that nothing stands for.
    """
    return _conversion_matrix(get_layout(source), get_layout(target))


def convert_joints(
    points: np.ndarray, source: Union[str, SkeletonLayout], target: Union[str, SkeletonLayout]
) -> np.ndarray:
    """Joints ``[..., V_source, C]`` of one layout as those of another, ``[..., V_target, C]``.

    Raises:
        RecordError: another number of joints than ``source`` has.
        ValueError: joints of ``target`` that nothing stands for.
    """
    get_layout(source).check(points)
    return (conversion_matrix(source, target) @ points).astype(points.dtype, copy=False)


def convert_scores(
    scores: np.ndarray, source: Union[str, SkeletonLayout], target: Union[str, SkeletonLayout]
) -> np.ndarray:
    """Scores ``[..., V_source]`` of joints: one that is made of several is as sure as the least sure, ``[..., V]``."""
    used = conversion_matrix(source, target) > 0
    return np.where(used, scores[..., None, :], np.inf).min(axis=-1).astype(scores.dtype, copy=False)
