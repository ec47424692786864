from vlplugins.utils.pipelines import list_steps


def test_steps_with_names_become_a_list_without_those_that_are_empty():
    flip, load = dict(type='RandomFlip'), dict(type='LoadImage')
    assert list_steps(dict(load=load, before=dict(), drop=None, flip=flip)) == [load, flip]
    assert list_steps((load, flip)) == [load, flip]
