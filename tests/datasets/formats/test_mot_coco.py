import pytest

from tests.helpers.records import refused
from vlplugins.datasets.formats.mot_coco import frames_of_part, mot_to_coco

SEQINFO = '[Sequence]\nname={0}\nimDir=img1\nframeRate=30\nseqLength={1}\nimWidth=64\nimHeight=48\nimExt=.jpg\n'


def make_sequence(folder, name, length, truth=None):
    (folder / name / 'img1').mkdir(parents=True)
    (folder / name / 'seqinfo.ini').write_text(SEQINFO.format(name, length))
    for frame in range(1, length + 1):
        (folder / name / 'img1' / f'{frame:06d}.jpg').touch()
    if truth is not None:
        (folder / name / 'gt').mkdir()
        (folder / name / 'gt/gt.txt').write_text(truth)
    return folder / name


@pytest.mark.parametrize(
    ('length', 'train', 'val'), [(6, [0, 1, 2, 3], [4, 5]), (5, [0, 1, 2], [3, 4]), (2, [0, 1], [])]
)
def test_halves_follow_the_convention(length, train, val):
    assert list(frames_of_part(length, 'train_half')) == train
    assert list(frames_of_part(length, 'val_half')) == val
    assert list(frames_of_part(length, 'all')) == train + val
    with pytest.raises(ValueError, match="part 'half' is unknown"):
        frames_of_part(length, 'half')


def test_rows_become_annotations_with_identities_of_their_own(tmp_path):
    make_sequence(tmp_path, 'MOT17-02-FRCNN', 2, '1,7,1,2,3,4,1,1,0.5\n2,7,2,2,3,4,1,1,1\n2,9,5,5,6,6,0,8,1\n')
    make_sequence(tmp_path, 'MOT17-04-FRCNN', 1, '1,7,9,9,2,2,1,1,1\n3,7,9,9,2,2,1,1,1\n')
    make_sequence(tmp_path, 'MOT17-04-DPM', 1, '')
    content, dropped = mot_to_coco(tmp_path, detector='FRCNN')
    assert [video['name'] for video in content['videos']] == ['MOT17-02-FRCNN', 'MOT17-04-FRCNN']
    assert [(image['video_id'], image['frame_id'], image['mot_frame_id']) for image in content['images']] == [
        (1, 0, 1), (1, 1, 2), (2, 0, 1),
    ]  # fmt: skip
    found = [
        (each['image_id'], each['instance_id'], each['mot_instance_id'], each['category_id'], each['mot_conf'])
        for each in content['annotations']
    ]
    # All rows stay, of the ignored and of other classes too; one track number in two videos is two instances.
    assert found == [(1, 1, 7, 1, 1), (2, 1, 7, 1, 1), (2, 2, 9, 8, 0), (3, 3, 7, 1, 1)]
    first = content['annotations'][0]
    assert (first['bbox'], first['area'], first['visibility']) == ([1, 2, 3, 4], 12, 0.5)
    assert content['num_instances'] == 3
    assert dropped.summary() == '1 rows skipped: 1 of frames that MOT17-04-FRCNN does not have'


def test_halves_count_their_frames_anew(tmp_path):
    truth = ''.join(f'{frame},7,1,2,3,4,1,1,1\n' for frame in range(1, 6))
    make_sequence(tmp_path, 'MOT17-02-FRCNN', 5, truth)
    train, val = (mot_to_coco(tmp_path, part)[0] for part in ('train_half', 'val_half'))
    assert [image['mot_frame_id'] for image in train['images']] == [1, 2, 3]
    assert [(image['frame_id'], image['mot_frame_id']) for image in val['images']] == [(0, 4), (1, 5)]
    assert [each['image_id'] for each in val['annotations']] == [1, 2]


def test_tests_have_no_truth(tmp_path):
    make_sequence(tmp_path, 'MOT17-01-FRCNN', 2)
    content, _ = mot_to_coco(tmp_path)
    assert content['annotations'] == [] and len(content['images']) == 2


def test_what_is_wrong_is_named(tmp_path):
    with refused('found none; expected sequences with a seqinfo.ini that end in -SDP'):
        mot_to_coco(tmp_path, detector='SDP')
    folder = make_sequence(tmp_path, 'MOT17-02-FRCNN', 2, '1,7,1,2,3,4,1,1,1\n1,7,1,2,3,4,1,1,1\n')
    with refused('gt.txt, record line 2: found a second box of track 7'):
        mot_to_coco(tmp_path)
    (folder / 'img1/000002.jpg').unlink()
    with refused('img1: found 1 images; expected 2, as seqinfo.ini says'):
        mot_to_coco(tmp_path)
