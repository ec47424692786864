import ast
from pathlib import Path

import pytest

pytest.importorskip('mmdet')

from mmdet.structures import DetDataSample, TrackDataSample, track_data_sample  # noqa: E402

import vlplugins  # noqa: E402, F401


class Told(DetDataSample):
    """A frame that must not be made a text of."""

    def __repr__(self):
        raise AssertionError('a text of the frame was made')


def test_frames_are_set_moved_and_copied_without_a_text():
    frame = Told()
    sample = TrackDataSample()
    sample.video_data_samples = [frame]
    assert sample[0] is frame and 'video_data_samples' in sample
    assert len(sample.to('cpu')) == len(sample.clone()) == 1
    sample.video_data_samples = frame
    assert sample[0] is frame


@pytest.mark.parametrize('value', [[], 3, [3]])
def test_what_are_no_frames_is_refused(value):
    with pytest.raises(TypeError, match='expected a list of DetDataSample'):
        TrackDataSample().video_data_samples = value


def test_the_defect_is_still_there():
    """When this fails, the workaround can go."""
    tree = ast.parse(Path(track_data_sample.__file__).read_text())
    assert any(isinstance(node, ast.Expr) and isinstance(node.value, ast.JoinedStr) for node in ast.walk(tree))
