import pytest
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook

from tests.helpers.tiny_training import LinearModel, Points, make_runner
from vlplugins.registry import METRICS


@METRICS.register_module(force=True)
class CountPredictions(BaseMetric):
    def process(self, data_batch, data_samples):
        self.results += [1] * len(data_samples)

    def compute_metrics(self, results):
        return dict(seen=len(results))


class Predicts(LinearModel):
    def forward(self, inputs, targets, mode='tensor'):
        found = super().forward(inputs, targets, mode)
        return list(found) if mode == 'predict' else found


class Listens(Hook):
    def __init__(self):
        self.heard = []

    def before_val(self, runner):
        self.heard.append('before')

    def after_val_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.heard.append((batch_idx, len(runner.val_dataloader.dataset)))

    def after_val_epoch(self, runner, metrics=None):
        self.heard.append(metrics)

    def after_test_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.heard.append(runner.test_loop.current)

    before_test, after_test_epoch = before_val, after_val_epoch


def loader(size):
    sampler = dict(type='DefaultSampler', shuffle=False)
    return dict(batch_size=4, dataset=Points(size), sampler=sampler, collate_fn=dict(type='default_collate'))


def metric(prefix):
    return dict(type='CountPredictions', prefix=prefix)


def runner_of(folder, stage='val', loaders=None, evaluators=None):
    loop = 'MultiSetValLoop' if stage == 'val' else 'MultiSetTestLoop'
    parts = {
        f'{stage}_dataloader': loaders or dict(near=loader(4), far=loader(8)),
        f'{stage}_evaluator': evaluators or dict(near=metric('near'), far=metric('far')),
        f'{stage}_cfg': dict(type=loop),
    }
    return make_runner(folder, epochs=1, model=Predicts(), **parts)


def test_each_set_is_judged_by_its_own_metrics_and_hooks_see_all(tmp_path):
    runner, listens = runner_of(tmp_path), Listens()
    runner.register_hook(listens)
    runner.train()
    found = {'near/seen': 4, 'far/seen': 8}
    assert listens.heard == ['before', (0, 4), (0, 8), (1, 8), found]


def test_a_test_goes_through_all_sets_too(tmp_path):
    runner, listens = runner_of(tmp_path, 'test'), Listens()
    runner.register_hook(listens)
    found = {'near/seen': 4, 'far/seen': 8}
    assert runner.test() == found and runner.test_loop.current is None
    assert listens.heard == ['before', 'near', 'far', 'far', found]


def test_names_must_agree_and_metrics_must_not(tmp_path):
    with pytest.raises(ValueError, match=r"loaders \['far', 'near'\] and evaluators \['near'\]"):
        runner_of(tmp_path, 'test', evaluators=dict(near=metric('near'))).test()
    same = dict(near=metric('set'), far=metric('set'))
    with pytest.raises(ValueError, match=r"far has the metrics \['set/seen'\]"):
        runner_of(tmp_path, 'test', evaluators=same).test()


class DoesTasks(Predicts):
    task = 'own'

    def forward(self, inputs, targets, mode='tensor'):
        found = super().forward(inputs, targets, mode)
        return [self.task] * len(found) if mode == 'predict' else found


@METRICS.register_module(force=True)
class NameTasks(CountPredictions):
    def process(self, data_batch, data_samples):
        self.results += list(data_samples)

    def compute_metrics(self, results):
        (task,) = set(results)
        return {task: len(results)}


def test_a_model_of_several_tasks_is_told_which(tmp_path):
    def runner(attribute):
        return make_runner(
            tmp_path,
            epochs=1,
            model=DoesTasks(),
            test_dataloader=dict(near=loader(4), far=loader(8)),
            test_evaluator=dict(near=dict(type='NameTasks'), far=dict(type='NameTasks')),
            test_cfg=dict(type='MultiSetTestLoop', attribute=attribute),
        )

    tested = runner('task')
    assert tested.test() == {'near': 4, 'far': 8} and tested.model.task == 'own'
    with pytest.raises(AttributeError, match='no_such'):
        runner('no_such').test()
