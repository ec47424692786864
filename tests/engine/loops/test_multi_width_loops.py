import copy

import pytest
import torch
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel, MMDistributedDataParallel

from tests.helpers.processes import run_distributed
from tests.helpers.tiny_training import Points, make_runner
from vlplugins.models.layers.slimmable import SlimmableLinear
from vlplugins.models.layers.switchable import SwitchableLinear

WIDTHS = (1.0, 0.5)


class Slimmable(BaseModel):
    """Knows nothing of widths itself: its layers do, as the backbone of a detector does."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layer = SlimmableLinear((2, 2), (4, 4), widths=WIDTHS, init_std=None)
        self.last = SwitchableLinear((4, 4), 1, widths=WIDTHS, init_std=None)

    def forward(self, inputs, targets, mode='tensor'):
        outputs = self.last(self.layer(inputs).tanh())
        if mode == 'loss':
            return dict(loss=(outputs - targets).square().mean())
        return [dict(output=row) for row in outputs] if mode == 'predict' else outputs


class MeanOutput(BaseMetric):
    def process(self, data_batch, data_samples):
        self.results += [sample['output'].item() for sample in data_samples]

    def compute_metrics(self, results):
        return dict(mean=sum(results) / len(results), count=len(results))


LOADER = dict(
    batch_size=4,
    dataset=Points(),
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
)


def runner(folder, **kwargs):
    settings = dict(
        model=Slimmable(), train_dataloader=LOADER, train_cfg=dict(type='MultiWidthTrainLoop', max_epochs=1)
    )
    return make_runner(folder, **{**settings, **kwargs})


def expected_weights(batches):
    """The same training written out: the sum of the losses of both widths, one step of SGD."""
    model = Slimmable()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for batch in batches:
        optimizer.zero_grad()
        loss = 0.0
        for width in WIDTHS:
            outputs = model.last(model.layer(batch, width).tanh(), width)
            loss = loss + (outputs - batch.sum(1, keepdim=True)).square().mean()
        loss.backward()
        optimizer.step()
    return model.state_dict()


def test_one_step_minimises_the_sum_over_widths(tmp_path):
    model = runner(tmp_path).train()
    for name, expected in expected_weights(Points().inputs.split(4)).items():
        torch.testing.assert_close(model.state_dict()[name], expected)


def test_every_width_is_logged(tmp_path):
    run = runner(tmp_path)
    run.train()
    logged = run.message_hub.log_scalars
    parts = [logged[f'train/{name}/loss'].current() for name in ('w1.00', 'w0.50')]
    assert logged['train/loss'].current() == pytest.approx(sum(parts), rel=1e-5)


def test_each_width_is_validated_by_itself_in_one_pass(tmp_path):
    run = runner(
        tmp_path,
        val_dataloader=LOADER,
        val_evaluator=dict(type=MeanOutput, prefix='test'),
        val_cfg=dict(type='MultiWidthValLoop'),
    )
    metrics = run.val()
    model = Slimmable().eval()
    for width in WIDTHS:
        outputs = model.last(model.layer(Points().inputs, width).tanh(), width)
        assert metrics[f'w{width:.2f}/test/mean'] == pytest.approx(outputs.mean().item(), rel=1e-5)
        assert metrics[f'w{width:.2f}/test/count'] == 8


def test_test_loop_has_the_same_metrics(tmp_path):
    evaluator = dict(type=MeanOutput, prefix='test')
    run = runner(
        tmp_path,
        val_dataloader=LOADER,
        val_evaluator=evaluator,
        val_cfg=dict(type='MultiWidthValLoop'),
        test_dataloader=LOADER,
        test_evaluator=evaluator,
        test_cfg=dict(type='MultiWidthTestLoop', widths=(1.0, 0.5)),
    )
    assert run.test() == run.val()


def test_unknown_width_and_accumulation_are_refused(tmp_path):
    with pytest.raises(ValueError, match='0.3'):
        runner(tmp_path, train_cfg=dict(type='MultiWidthTrainLoop', max_epochs=1, widths=(1.0, 0.3))).train()
    wrapper = dict(optimizer=dict(type='SGD', lr=0.1), accumulative_counts=2)
    with pytest.raises(ValueError, match='accumulative_counts'):
        runner(tmp_path, optim_wrapper=wrapper).train()


def _distributed_step(rank, world, folder):
    run = runner(f'{folder}/{rank}', train_cfg=dict(type='MultiWidthTrainLoop', max_epochs=1))
    run.model = MMDistributedDataParallel(run.model)
    run.optim_wrapper = run.build_optim_wrapper(run.optim_wrapper)
    points = Points().inputs[rank::world]
    for batch in points.split(2):
        run.train_loop.train_step(dict(inputs=batch, targets=batch.sum(1, keepdim=True)))
    return run.model.module.state_dict()


def test_two_processes_equal_one_on_the_joined_batch(tmp_path):
    inputs = Points().inputs
    joined = [torch.cat([inputs[0:4:2], inputs[1:4:2]]), torch.cat([inputs[4::2], inputs[5::2]])]
    expected = expected_weights(joined)
    for state in run_distributed(_distributed_step, 2, str(tmp_path)):
        for name, value in state.items():
            torch.testing.assert_close(value, expected[name], rtol=1e-5, atol=1e-6)


def test_batch_is_not_changed_by_an_earlier_width(tmp_path):
    class Spoiling(Slimmable):
        def forward(self, inputs, targets, mode='tensor'):
            if mode == 'predict':
                inputs.add_(0.0), targets.zero_()
            return super().forward(inputs, targets, mode)

    run = runner(
        tmp_path,
        model=Spoiling(),
        val_dataloader=LOADER,
        val_evaluator=dict(type=MeanOutput, prefix='test'),
        val_cfg=dict(type='MultiWidthValLoop'),
    )
    batch = dict(inputs=Points().inputs, targets=torch.ones(8, 1))
    before = copy.deepcopy(batch)
    run.val_loop._process(batch)
    assert torch.equal(batch['targets'], before['targets'])
