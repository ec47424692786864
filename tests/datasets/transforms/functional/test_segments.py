import numpy as np

from vlplugins.datasets.transforms.functional.segments import (
    assign_frames,
    cut_segments,
    padded_index,
    spread_missing_times,
)


def cut(times, words=None, duration=20.0, **options):
    times = np.array(times, dtype=np.float32).reshape(-1, 2)
    found = cut_segments(times, words or [3] * len(times), duration, **options)
    return found.times.astype(float).round(3).tolist(), found.lines


def test_near_lines_are_merged_up_to_two_seconds():
    times, lines = cut([[2, 3], [3.1, 3.9], [4.0, 5.0], [5.1, 9.0], [9.0, 19.5]])
    assert lines == [[], [0, 1, 2], [3], [4]] and times == [[0, 2], [2, 5], [5.1, 9], [9, 19.5]]


def test_words_bound_the_merging_and_far_lines_stay_apart():
    assert cut([[0, 0.5], [0.6, 1.0]], [20, 13], 2.0)[1] == [[0], [1]]
    assert cut([[0, 0.5], [0.6, 1.0]], [20, 12], 2.0)[1] == [[0, 1]]
    assert cut([[0, 0.5], [0.9, 1.4]], None, 2.0)[1] == [[0], [1]]


def test_lines_out_of_order_and_inside_others():
    times, lines = cut([[6, 9], [0, 5], [1, 2], [4, 7]], None, 9.0)
    assert lines == [[1, 2], [3], [0]] and times == [[0, 5], [5, 7], [7, 9]]


def test_pauses_become_silent_segments():
    times, lines = cut([[5, 8], [9, 12]], None, 13.9)
    assert lines == [[], [0], [1]] and times == [[0, 5], [5, 8], [9, 12]]
    assert cut([[5, 8]], None, 10.0)[1] == [[], [0], []]


def test_too_many_segments_are_merged_where_that_is_short():
    times, lines = cut([[0, 4], [4, 7], [7, 10], [10, 20]], None, 20.0, max_segments=3)
    assert lines == [[0], [1, 2], [3]] and times == [[0, 4], [4, 10], [10, 20]]


def test_without_words_there_are_equal_silent_segments():
    times, lines = cut([], None, 16.0, silent_segments=4)
    assert lines == [[]] * 4 and times == [[0, 4], [4, 8], [8, 12], [12, 16]]
    assert cut([[0, 4]], [0], 16.0, silent_segments=2)[1] == [[], []]


def test_frames_go_by_their_time():
    # Lines in the last third alone: the early frames lie in silence, not in the first line.
    times, lines = cut([[14, 17], [17, 20]])
    frames = assign_frames(np.arange(20) + 0.5, np.array(times))
    assert lines == [[], [0], [1]] and [each.tolist() for each in frames] == [
        list(range(14)), [14, 15, 16], [17, 18, 19]
    ]  # fmt: skip


def test_frames_between_segments_and_segments_without_frames():
    segments = np.array([[0.0, 2.0], [3.0, 4.0], [4.0, 4.1]])
    # 2.5 is equally near to both: the earlier one; no frame is in the last.
    found = assign_frames(np.array([1.0, 2.5, 2.6, 3.9]), segments)
    assert [each.tolist() for each in found] == [[0, 1], [2, 3], [3]]


def test_every_frame_has_one_segment():
    rng = np.random.default_rng(0)
    for _ in range(50):
        edges = np.sort(rng.uniform(0, 30, 8)).reshape(4, 2)
        frames = rng.uniform(0, 30, 40)
        found = assign_frames(frames, edges)
        owners = np.bincount(np.concatenate([each for each in found if len(each) > 1]), minlength=40)
        assert owners.max() <= 1
        for number, frame in enumerate(frames):
            gaps = [max(start - frame, frame - end, 0) for start, end in edges]
            assert number in found[int(np.argmin(gaps))]


def test_missing_times_are_spread():
    times = np.array([[np.nan, np.nan], [1, 2], [np.nan, np.nan], [np.nan, np.nan]])
    assert spread_missing_times(times, 8.0).tolist() == [[0, 2], [1, 2], [4, 6], [6, 8]]


def test_rows_are_padded():
    assert padded_index([np.array([3, 4]), np.array([], dtype=int)]).tolist() == [[3, 4], [-1, -1]]
    assert padded_index([np.array([], dtype=int)]).shape == (1, 1)
