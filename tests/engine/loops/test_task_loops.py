import json

import pytest
import torch
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import nn

from vlplugins.registry import METRICS, MODELS


@MODELS.register_module(force=True)
class TellsItsMode(BaseModel):
    def __init__(self):
        super().__init__()
        self.test_mode, self.weight = 'own', nn.Parameter(torch.zeros(1))

    def forward(self, inputs, data_samples=None, mode='tensor'):
        if mode == 'loss':
            return dict(loss=self.weight.sum())
        return [dict(mode=self.test_mode, value=float(each)) for each in inputs]


@METRICS.register_module(force=True)
class SumsUp(BaseMetric):
    def process(self, data_batch, data_samples):
        self.results += list(data_samples)

    def compute_metrics(self, results):
        (mode,) = {each['mode'] for each in results}
        return {mode: sum(each['value'] for each in results)}


def loader(*values):
    return dict(
        dataset=[dict(inputs=value) for value in values],
        batch_size=2,
        sampler=dict(type='DefaultSampler', shuffle=False),
    )


def make_runner(tmp_path, **options):
    others = dict(second=dict(dataloader=loader(10.0, 20.0, 30.0), evaluator=dict(type='SumsUp')))
    cfg = dict(main='first', others=others, **options)
    return Runner(
        model=dict(type='TellsItsMode'),
        work_dir=str(tmp_path),
        default_scope='vlplugins',
        experiment_name='tasks',
        train_dataloader=loader(1.0, 2.0),
        train_cfg=dict(by_epoch=True, max_epochs=1),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
        val_dataloader=loader(1.0, 2.0),
        val_evaluator=dict(type='SumsUp'),
        val_cfg=dict(type='TaskValLoop', **cfg),
        test_dataloader=loader(1.0, 2.0, 4.0),
        test_evaluator=dict(type='SumsUp'),
        test_cfg=dict(type='TaskTestLoop', **cfg),
    )


def test_each_task_has_its_set_its_metrics_and_its_mode(tmp_path):
    runner = make_runner(tmp_path)
    assert runner.test() == {'first': 7.0, 'second': 60.0}
    runner.train()
    assert runner.model.test_mode == 'own'
    (log,) = tmp_path.glob('*/vis_data/scalars.json')
    last = json.loads(log.read_text().splitlines()[-1])
    assert last['first'] == 3.0 and last['second'] == 60.0


def test_a_value_that_the_model_lacks_is_refused(tmp_path):
    with pytest.raises(AttributeError, match="TellsItsMode has no 'test_task'"):
        make_runner(tmp_path, attribute='test_task').test()
