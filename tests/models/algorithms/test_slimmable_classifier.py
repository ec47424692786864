import pytest
import torch
from mmengine.registry import MODELS

from vlplugins.models.algorithms import SlimmableClassifier
from vlplugins.structures import ClassificationDataSample

WIDTHS = (1.0, 0.5)
BACKBONE = dict(
    type='SlimmableResNet', depth=18, stem='small', stage_blocks=(1, 1), base_channels=8, in_channels=1, widths=WIDTHS
)
HEAD = dict(type='SwitchableLinearHead', in_channels=16, num_classes=3, widths=WIDTHS)


def make_model(**options):
    torch.manual_seed(0)
    return MODELS.build(dict(dict(type='vlplugins.SlimmableClassifier', backbone=BACKBONE, head=HEAD), **options))


def samples(count=4):
    return [ClassificationDataSample().set_gt_label(index % 3) for index in range(count)]


def test_a_frozen_backbone_keeps_every_bit_and_the_head_alone_learns():
    """In training mode, which would otherwise move the running statistics."""
    model = make_model().train()
    before = {name: value.clone() for name, value in model.backbone.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=1.0)
    assert len(optimizer.param_groups[0]['params']) == len(list(model.head.parameters()))
    loss, _ = model.parse_losses(model(torch.randn(4, 1, 8, 8), samples(), mode='loss'))
    loss.backward()
    head = {name: value.clone() for name, value in model.head.named_parameters()}
    optimizer.step()
    assert all(torch.equal(value, before[name]) for name, value in model.backbone.state_dict().items())
    assert all(not torch.equal(value, head[name]) for name, value in model.head.named_parameters())


def test_a_backbone_that_is_not_frozen_learns():
    model = make_model(freeze_backbone=False).train()
    loss, _ = model.parse_losses(model(torch.randn(4, 1, 8, 8), samples(), mode='loss'))
    loss.backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert model.backbone.training


def test_some_widths_may_train_alone():
    model = make_model(train_widths=(1.0,), freeze_backbone=False)
    assert set(model(torch.randn(4, 1, 8, 8), samples(), mode='loss')) == {'loss_w1.00', 'accuracy_w1.00'}
    with pytest.raises(ValueError, match='train_widths'):
        make_model(train_widths=(1.0, 0.25))


def test_predictions_are_in_the_samples_for_each_width():
    model = make_model().eval()
    images = torch.randn(3, 1, 8, 8)
    scores = model(images, mode='tensor')
    for index, sample in enumerate(model(images, samples(3), mode='predict')):
        assert sample.widths == WIDTHS
        for width in WIDTHS:
            torch.testing.assert_close(sample.pred_scores[width], scores[width][index].softmax(dim=0))
            assert sample.pred_labels[width].item() == scores[width][index].argmax().item()
            assert sample.features[width].shape == (int(16 * width),)


def test_parts_of_other_widths_and_unknown_modes_are_refused():
    with pytest.raises(ValueError, match='parts of different widths'):
        make_model(head=dict(HEAD, widths=(1.0, 0.25)))
    with pytest.raises(ValueError, match="mode 'train' is unknown"):
        make_model()(torch.randn(1, 1, 8, 8), mode='train')


def test_is_registered():
    assert isinstance(make_model(), SlimmableClassifier)
