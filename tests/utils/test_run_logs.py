import argparse

import pytest

from vlplugins.utils.cli import UsageError
from vlplugins.utils.run_logs import add_log_arguments, moving_mean, names_of_runs


def parse(*words):
    parser = argparse.ArgumentParser()
    add_log_arguments(parser, 'work folders', 'picture.png')
    return parser.parse_args(words)


def test_names_are_those_of_the_legend_or_the_paths():
    assert names_of_runs(parse('one', 'two')) == ['one', 'two'] and parse('one').out == 'picture.png'
    assert names_of_runs(parse('one', 'two', '--legend', 'A', 'B')) == ['A', 'B']


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (['one', 'two', '--legend', 'A'], '1 names for 2 runs'),
        (['one', 'one'], 'the same name'),
        (['one', '--smooth', '0'], '1 record or more'),
    ],
)
def test_what_does_not_fit_is_told(words, message):
    with pytest.raises(UsageError, match=message):
        names_of_runs(parse(*words))


def test_mean_is_of_a_value_and_those_before_it():
    assert moving_mean([1.0, 3.0, 8.0], 2) == [1.0, 2.0, 5.5]
