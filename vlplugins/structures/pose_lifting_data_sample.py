"""The sample of pose lifting."""

from mmengine.structures import BaseDataElement


class PoseLiftingDataSample(BaseDataElement):
    """A pose on the screen and in space.

    Data fields: ``keypoints_2d`` (``[V, 2]``, screen coordinates), ``gt_keypoints_3d`` and ``pred_keypoints_3d``
    (``[V, 3]``, metres relative to the root, x right, y down, z forward), ``camera`` (``[9]``: focal lengths, centre,
    radial and tangential coefficients, in screen units), ``weight`` and ``is_generated`` (scalars).

    Meta information: ``sample_idx``, ``source`` (file and record, for messages), ``dataset`` (name of its set),
    ``subject``, ``action``, ``image_size`` (width and height in pixels), ``layout``.
    """
