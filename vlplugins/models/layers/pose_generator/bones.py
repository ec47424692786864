"""The bones of a pose of 16 joints: their tree, what carries what, anatomical limits and axes of the angles."""

from typing import Dict, Sequence, Tuple

from vlplugins.structures.skeleton_layout import H36M16

# Bone k ends at joint k + 1.
PARENTS = H36M16.parents[1:]
NUM_JOINTS, NUM_BONES = 16, 15
# Bones that are part of the torso and keep their direction: hips, and the two of the spine.
TORSO = (0, 3, 6, 7)
# Bones with angles, in the order of all tensors of angles: first those whose frame is that of the torso (thighs, head,
# clavicles, upper arms), then those that the bone above carries (shanks, forearms).
LIMBS = (1, 4, 8, 9, 12, 10, 13, 2, 5, 11, 14)
NUM_FREE = 7
# The bone that carries the frame of another.
CARRIER = {2: 1, 5: 4, 11: 10, 14: 13}
# Limbs of the lower frame of the torso; the others hang on the upper one.
LOWER = (1, 4, 2, 5)
DEFAULT_MOVABLE = (1, 2, 4, 5, 8, 10, 11, 13, 14)

Range = Tuple[float, float]
# Azimuth and elevation in degrees, for the left limb; the right one is its mirror image. Limits are inferred.
_THIGH, _SHANK = ((-30, 120), (-25, 50)), ((-145, 5), (-10, 10))
_HEAD, _CLAVICLE = ((-40, 40), (-35, 35)), ((-10, 10), (-10, 10))
_UPPER_ARM, _FOREARM = ((-95, 100), (-40, 85)), ((-80, 80), (0, 80))
DEFAULT_LIMITS: Dict[int, Tuple[Range, Range]] = {
    **dict.fromkeys((1, 4), _THIGH),
    **dict.fromkeys((2, 5), _SHANK),
    8: _HEAD,
    **dict.fromkeys((9, 12), _CLAVICLE),
    **dict.fromkeys((10, 13), _UPPER_ARM),
    **dict.fromkeys((11, 14), _FOREARM),
}
_X, _Y, _Z = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)


def _minus(axis: Sequence[float]) -> Tuple[float, ...]:
    return tuple(-value for value in axis)


_LEFT_LEG, _RIGHT_LEG = (_minus(_Y), _Z, _X), (_minus(_Y), _Z, _minus(_X))
_LEFT_ARM, _RIGHT_ARM = (_X, _Y, _Z), (_minus(_X), _Y, _Z)
# The rest direction and the two axes of the angles of each bone, in the axes of its frame.
BASES = {
    **dict.fromkeys((4, 5), _LEFT_LEG),
    **dict.fromkeys((1, 2), _RIGHT_LEG),
    8: (_Y, _Z, _X),
    **dict.fromkeys((9, 10, 11), _LEFT_ARM),
    **dict.fromkeys((12, 13, 14), _RIGHT_ARM),
}
