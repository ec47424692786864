from tests.helpers.records import refused
from tests.helpers.videos import frame_numbers, write_video
from vlplugins.datasets.formats.video_files import FrameFolder, open_video, read_until_damaged, video_exists


def test_a_folder_or_another_file_stands_in_for_a_file_of_its_name(tmp_path):
    write_video(tmp_path / 'x', 6)
    folder = open_video(str(tmp_path / 'x.mp4'), frame_fps=5.0)
    assert isinstance(folder, FrameFolder) and folder.get_avg_fps() == 5.0
    assert frame_numbers(folder.read([0, 2, 3, 5])) == [0, 2, 3, 5]
    write_video(tmp_path / 'y.mp4', 3)
    assert len(open_video(str(tmp_path / 'y.webm'))) == 3
    assert video_exists(str(tmp_path / 'y.webm')) and not video_exists(str(tmp_path / 'z.webm'))


def test_files_that_are_missing_or_no_video_are_named(tmp_path):
    with refused('z.mp4, record 7: found no such file'):
        open_video(str(tmp_path / 'z.mp4'), record=7)
    (tmp_path / 'z.mp4').write_bytes(b'text')
    with refused('z.mp4: found 4 bytes that decord cannot open'):
        open_video(str(tmp_path / 'z.mp4'))
    assert read_until_damaged(str(tmp_path / 'z.mp4'), 3) == []


def test_frames_are_read_in_order_up_to_a_count(tmp_path):
    path = str(write_video(tmp_path / 'x.avi', 9))
    assert frame_numbers(read_until_damaged(path, 4)) == [0, 1, 2, 3]
    assert len(read_until_damaged(path, 40)) == 9
