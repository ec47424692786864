import pickle

from vlplugins.utils.records import RecordError, SkipCounter


def test_message_says_where_what_and_what_was_expected():
    error = RecordError('list.txt', 'nothing', 'a path', 'line 3')
    assert str(error) == 'list.txt, record line 3: found nothing; expected a path'


def test_error_travels_between_processes():
    error = pickle.loads(pickle.dumps(RecordError('a', 'b', 'c', 4)))
    assert (error.file, error.found, error.expected, error.record) == ('a', 'b', 'c', 4)


def test_counter_sums_by_reason():
    counter = SkipCounter('images')
    assert counter.summary() == 'no images skipped'
    for reason in ('truncated', 'empty', 'truncated'):
        counter.add(reason)
    assert counter.total == 3 and counter.summary() == '3 images skipped: 2 truncated, 1 empty'
