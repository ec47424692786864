import json

import pytest
import torch
from mmengine.model import BaseModel

from tests.helpers.tiny_training import make_runner
from vlplugins.engine.hooks.gradient_imbalance_hook import gradient_norms, imbalance
from vlplugins.models.layers.slimmable import SlimmableConv2d, SlimmableLinear


class Slimmable(BaseModel):
    def __init__(self):
        super().__init__()
        self.layer = SlimmableLinear((2, 2), 4, widths=(1.0, 0.5))
        self.last = SlimmableLinear(4, (1, 1), widths=(1.0, 0.5))

    def forward(self, inputs, targets, mode='tensor'):
        losses = [(self.last(self.layer(inputs, w).relu(), w) - targets).square().mean() for w in (1.0, 0.5)]
        return dict(loss=sum(losses))


def test_norms_are_restricted_to_the_part_of_a_width():
    layer = SlimmableConv2d((3, 3), 4, 3, widths=(1.0, 0.5))
    layer.weight.grad = torch.ones_like(layer.weight)
    norms = gradient_norms(torch.nn.Sequential(layer), (1.0, 0.5))['0.weight']
    # 4 x 3 x 9 ones, and 2 x 3 x 9: the image side stays whole.
    assert norms.tolist() == pytest.approx([108**0.5, 54**0.5])


def test_rest_is_taken_per_layer_and_overflow_is_left_out():
    norms = torch.tensor([[5.0, 3.0], [13.0, 5.0], [1000.0, 1.0], [float('nan'), 1.0]])
    means, rest, skipped = imbalance(norms)
    assert means.tolist() == [9.0, 4.0]
    assert rest.tolist() == [0.0, (4.0 + 12.0) / 2]
    assert skipped == 2


def test_step_without_a_usable_layer_has_no_means():
    assert imbalance(torch.tensor([[float('inf'), 1.0]]))[0] is None


def test_hook_sees_the_gradients_before_they_are_cleared(tmp_path):
    hook = dict(type='GradientImbalanceHook', interval=2, widths=(1.0, 0.5))
    runner = make_runner(tmp_path, epochs=2, hooks=[hook], model=Slimmable())
    runner.train()
    (path,) = tmp_path.glob('*/vis_data/gradient_imbalance.jsonl')
    records = [json.loads(line) for line in path.read_text().splitlines()]
    assert [record['step'] for record in records] == [0, 2]
    assert all(record['norm'][0] > record['norm'][1] > 0 for record in records)
    assert set(records[0]['layers']) == {'layer.weight', 'last.weight'}
    # Detached afterwards: another step writes nothing.
    runner.optim_wrapper.optimizer.step()
    assert len(path.read_text().splitlines()) == 2


def test_model_without_slimmable_layers_is_refused(tmp_path):
    with pytest.raises(ValueError, match='no slimmable layer'):
        make_runner(tmp_path, hooks=[dict(type='GradientImbalanceHook')]).train()
