"""Workarounds for defects of the packages below, one file each.

Every file says what is wrong upstream and in which version. Its test fails when the workaround no longer works, and
when it is no longer needed.
"""

from vlplugins.compat import (
    checkpoint_loading,
    config_text,
    cpu_process_group,
    mmaction_drn,
    mmaction_multimodal,
    mmdet_track_sample,
    mmpose_torchvision,
)

_WORKAROUNDS = (
    checkpoint_loading,
    config_text,
    cpu_process_group,
    mmaction_drn,
    mmaction_multimodal,
    mmdet_track_sample,
    mmpose_torchvision,
)


def install() -> None:
    """Install all workarounds. Imports none of the packages that they are for, except MMEngine; may be repeated."""
    for workaround in _WORKAROUNDS:
        workaround.install()
