from types import SimpleNamespace

import pytest
from mmengine.visualization import Visualizer

from vlplugins.engine.hooks import PredictionVisualizationHook
from vlplugins.visualization.base import TaskVisualizer


class Recorder(TaskVisualizer):
    def __init__(self, name='recorder'):
        super().__init__(name)
        self.drawn = []

    def draw_input(self, *args, **kwargs):
        raise NotImplementedError

    def add_datasample(self, name, image, data_sample=None, out_file=None, **kwargs):
        self.drawn.append((name, image, out_file))


def make_runner(**loop):
    return SimpleNamespace(visualizer=Recorder(), test_loop=SimpleNamespace(**loop))


def test_every_second_sample_is_drawn_across_batches(tmp_path):
    hook, runner = PredictionVisualizationHook(str(tmp_path), interval=2), make_runner()
    samples = [dict(sample_idx=index, img_path=f'photos/{index}.jpg') for index in range(5)]
    hook.before_test(runner)
    for index, part in enumerate((slice(0, 3), slice(3, 5))):
        inputs = list('abcde'[part])
        hook.after_test_iter(runner, index, dict(inputs=inputs), samples[part])
    names = ['000000_0', '000002_2', '000004_4']
    expected = [(name, image, str(tmp_path / f'{name}.png')) for name, image in zip(names, 'ace')]
    assert runner.visualizer.drawn == expected


def test_inputs_of_several_names_are_handed_on_sample_by_sample(tmp_path):
    hook, runner = PredictionVisualizationHook(str(tmp_path)), make_runner()
    batch = dict(inputs=dict(image=['a', 'b'], text_ids=[1, 2], duration=[3.0, 4.0]))
    hook.after_test_iter(runner, 0, batch, [dict(img_path='x.jpg'), dict(img_path='y.jpg')])
    assert [(name, inputs) for name, inputs, _ in runner.visualizer.drawn] == [
        ('000000_x', dict(image='a', text_ids=1, duration=3.0)),
        ('000001_y', dict(image='b', text_ids=2, duration=4.0)),
    ]


def test_pictures_of_several_sets_lie_in_a_folder_each(tmp_path):
    """The first sample of each set has the number 0, and may be of the same image."""
    hook, runner = PredictionVisualizationHook(str(tmp_path)), make_runner(current='grounding')
    for current in ('grounding', 'retrieval'):
        runner.test_loop.current = current
        hook.after_test_iter(runner, 0, dict(inputs=['a']), [dict(sample_idx=0, img_path='x.jpg')])
    paths = [path for _, _, path in runner.visualizer.drawn]
    assert paths == [str(tmp_path / name / '000000_x.png') for name in ('grounding', 'retrieval')]


def test_visualizer_that_draws_no_predictions_is_told_before_the_test():
    with pytest.raises(ValueError, match='Visualizer draws no predictions; set the visualizer of the task'):
        PredictionVisualizationHook('pictures').before_test(SimpleNamespace(visualizer=Visualizer()))
