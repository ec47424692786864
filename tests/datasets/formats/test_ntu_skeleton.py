import numpy as np
import pytest

from tests.helpers.records import refused
from tests.helpers.skeletons import person
from vlplugins.datasets.formats.ntu_skeleton import (
    Body,
    choose_bodies,
    is_training,
    make_splits,
    parse_name,
    read_missing_list,
    read_skeleton_file,
)
from vlplugins.datasets.synthetic.skeleton_files import FIRST_BODY_ID, format_skeleton_file


def write(path, *bodies):
    path.write_text(format_skeleton_file(bodies))
    return path


def test_reading_gives_back_what_was_written(tmp_path):
    """Two bodies whose IDs are equal as floating-point numbers; one enters late."""
    first, second = person(20), person(20, turn=(0.3, 0, 0)) + [1.0, 0, 0]
    second[:5] = np.nan
    bodies, frames = read_skeleton_file(write(tmp_path / 'a.skeleton', first, second))
    assert frames == 20 and list(bodies) == [str(FIRST_BODY_ID), str(FIRST_BODY_ID + 4)]
    assert float(FIRST_BODY_ID) == float(FIRST_BODY_ID + 4)
    np.testing.assert_allclose(bodies[str(FIRST_BODY_ID)].joints, first, atol=1e-5)
    late = bodies[str(FIRST_BODY_ID + 4)]
    assert late.frames.tolist() == list(range(5, 20))
    np.testing.assert_allclose(late.joints, second[5:], atol=1e-5)


def test_bodies_that_swap_places_in_the_list_stay_themselves(tmp_path):
    lines = format_skeleton_file([person(2), person(2) + [1.0, 0, 0]]).splitlines()
    body = 27
    frame = 1 + 2 * body
    second = [lines[1 + frame], *lines[1 + frame + 1 + body : 1 + 2 * frame], *lines[2 + frame : 2 + frame + body]]
    path = tmp_path / 'a.skeleton'
    path.write_text('\n'.join([*lines[: 1 + frame], *second]))
    bodies, _ = read_skeleton_file(path)
    np.testing.assert_allclose(bodies[str(FIRST_BODY_ID)].joints, person(2), atol=1e-5)


def damaged(text, kind):
    lines = text.splitlines()
    if kind == 'truncated':
        return '\n'.join(lines[:40])
    if kind == 'count':
        return '\n'.join([lines[0], 'x', *lines[2:]])
    if kind == 'joints':
        return '\n'.join([*lines[:3], '24', *lines[4:]])
    if kind == 'word':
        return text.replace(lines[5].split()[0], 'abc')
    return text + '\n1 2 3'


@pytest.mark.parametrize(
    'kind, message',
    [
        ('truncated', r'a.skeleton, record frame 1, body 0: found the end of the file'),
        ('count', r"frame 0: found number of bodies 'x'"),
        ('joints', r"24 joints; expected 25 joints, the layout 'nturgb\+d'"),
        ('word', r"frames 0 to 2: found .*'abc'"),
        ('longer', r'3 values after the last frame'),
    ],
)
def test_damaged_files_are_told(tmp_path, kind, message):
    path = tmp_path / 'a.skeleton'
    path.write_text(damaged(format_skeleton_file([person(3)]), kind))
    with refused(message):
        read_skeleton_file(path)


def test_frames_without_bodies_are_normal(tmp_path):
    points = person(15)
    points[[0, 14]] = np.nan
    bodies, frames = read_skeleton_file(write(tmp_path / 'a.skeleton', points))
    keypoint = choose_bodies(bodies.values(), frames)
    assert keypoint.shape == (1, 15, 25, 3) and not keypoint[0, [0, 14]].any() and keypoint[0, 1:14].all()
    assert choose_bodies([], 7).shape == (0, 7, 25, 3)


def body(frames, strength=1.0, begin=0):
    return Body(np.arange(begin, begin + frames), person(frames, turn=(strength, 0, 0)))


def ghost(frames):
    """A seat: wider than high."""
    wide = person(frames, turn=(2.5, 0, 0)) * [4.0, 0.2, 1.0]
    return Body(np.arange(frames), wide)


def test_choice_of_actors():
    main, other, short = body(40, 1.5), body(40, 0.5), body(11, 2.5)
    found = choose_bodies([other, short, main, ghost(40)], 40)
    assert found.shape == (2, 40, 25, 3)
    np.testing.assert_allclose(found[0], main.joints)
    np.testing.assert_allclose(found[1], other.joints)
    # A body after the first actor has gone continues it.
    early, late = body(20, 1.5), body(15, 1.0, begin=25)
    found = choose_bodies([late, early], 40)
    assert len(found) == 1
    np.testing.assert_allclose(found[0, 25:], late.joints)
    # The last one is never dropped.
    np.testing.assert_allclose(choose_bodies([short], 11)[0], short.joints)
    assert len(choose_bodies([ghost(30)], 30)) == 1


# name, training in xsub, xview, xsub of 120, xset, label
NAMES = [
    ('S001C001P001R001A001', True, False, True, False, 0),
    ('S001C002P001R001A060', True, True, True, False, 59),
    ('S002C003P003R002A010', False, True, False, True, 9),
    ('S017C001P040R002A050', False, False, False, False, 49),
    ('S010C002P038R001A013', True, True, True, True, 12),
    ('S005C003P035R001A005', True, True, True, False, 4),
    ('S032C001P106R002A120', False, False, False, True, 119),
    ('S018C002P045R001A061', False, True, True, True, 60),
    ('S019C003P103R001A100', False, True, True, False, 99),
    ('S020C001P044R001A099', False, False, False, True, 98),
    ('S008C001P019R002A007', True, False, True, True, 6),
    ('S011C002P020R001A033', False, True, False, False, 32),
]


@pytest.mark.parametrize('name, xsub, xview, xsub120, xset, label', NAMES)
def test_protocols(name, xsub, xview, xsub120, xset, label):
    clip = parse_name(f'/data/A001/S999C009/{name}.skeleton')
    assert clip.label == label
    found = [is_training(clip, 'xsub'), is_training(clip, 'xview'), is_training(clip, 'xsub', 120)]
    assert found == [xsub, xview, xsub120] and is_training(clip, 'xset', 120) == xset


def test_sizes_of_the_subject_lists_and_splits():
    from vlplugins.datasets.formats import ntu_skeleton as module

    assert len(set(module._XSUB60_TRAIN)) == 20 and len(set(module._XSUB120_TRAIN)) == 53
    names = [each[0] for each in NAMES]
    splits = make_splits(names, 120)
    assert sorted(splits) == ['xset_train', 'xset_val', 'xsub_train', 'xsub_val']
    for protocol in ('xsub', 'xset'):
        assert sorted(splits[f'{protocol}_train'] + splits[f'{protocol}_val']) == sorted(names)
    with pytest.raises(ValueError, match='protocol'):
        is_training(parse_name(names[0]), 'loso')


def test_names_of_another_pattern_and_lists():
    assert parse_name('clip.skeleton') is None and parse_name('S1C1P1R1A1') is None


def test_missing_list_has_headings(tmp_path):
    path = tmp_path / 'missing.txt'
    path.write_text('The following samples\n\nS001C002P005R002A008\nS001C002P006R001A008.skeleton\n')
    assert read_missing_list(path) == ['S001C002P005R002A008', 'S001C002P006R001A008']
