import copy
import re

import pytest
import torch

from tools.model_converters import extract_width, slimclr_official
from vlplugins.models.layers.extract import extract_state
from vlplugins.registry import MODELS

WIDTHS = (1.0, 0.5)
BACKBONE = dict(type='SlimmableResNet', depth=50, base_channels=8, widths=WIDTHS)
NECK = dict(type='SlimmableMLPNeck', in_channels=256, hid_channels=16, out_channels=8, widths=WIDTHS)
NORMALISED = dict(bias=False, with_bn=True)
LOSS = dict(type='SlimmableContrastiveLoss')
MODELS_OF = dict(
    mocov2=dict(type='SlimmableMoCo', backbone=BACKBONE, neck=NECK, loss=LOSS, queue_len=16, feat_dim=8),
    mocov3=dict(
        type='SlimmableMoCoV3',
        backbone=BACKBONE,
        neck=dict(NECK, last_bn=True, **NORMALISED),
        predictor=dict(NECK, in_channels=8, slim_input=False, avg_pool=False, **NORMALISED),
        loss=LOSS,
    ),
    probe=dict(
        type='SlimmableClassifier',
        backbone=BACKBONE,
        head=dict(type='SwitchableLinearHead', in_channels=256, num_classes=5, widths=WIDTHS),
    ),
)


def official_name(name, kind):
    """The original's name of one of our keys, written down from its layout: blocks in one sequence, fc and shortcut."""
    starts = {'layer1': 0, 'layer2': 3, 'layer3': 7, 'layer4': 13}

    def block(found):
        return f'features.{starts[found.group(1)] + int(found.group(2))}.'

    query, key = {
        'mocov2': ('encoder_q.', 'encoder_k.'),
        'mocov3': ('base_encoder.', 'momentum_encoder.'),
        'probe': ('', ''),
    }[kind]
    prefix = ''
    if name.startswith('key_encoder.module.'):
        prefix, name = key, name[len('key_encoder.module.') :]
    elif name.startswith(('backbone.', 'neck.')):
        prefix = query
    name = re.sub(r'^backbone\.', '', name)
    name = re.sub(r'(layer\d)\.(\d+)\.', block, name).replace('downsample', 'shortcut')
    places = {'fc0': '0', 'bn0': '1', 'fc1': '2' if kind == 'mocov2' else '3', 'bn1': '4'}
    name = re.sub(r'^neck\.(\w+)', lambda found: f'fc.{places[found.group(1)]}', name)
    name = re.sub(r'^predictor\.(\w+)', lambda found: f'predictor.{places[found.group(1)]}', name)
    name = name.replace('head.fc', 'fc')
    return f'module.{prefix}{name}'


def randomise(model):
    torch.manual_seed(0)
    for tensor in [*model.parameters(), *model.buffers()]:
        if tensor.is_floating_point() and tensor.dim():
            tensor.data.uniform_(0.1, 0.9)
    for module in model.modules():
        if hasattr(module, 'width_order'):
            module.width_order.copy_(torch.tensor(module.widths))
    return model


def official_state(model, kind):
    return {official_name(k, kind): v.clone() for k, v in model.state_dict().items() if 'width_order' not in k}


@pytest.mark.parametrize('kind', list(MODELS_OF))
def test_converted_checkpoint_loads_strictly_with_equal_outputs(tmp_path, kind):
    source = randomise(MODELS.build(copy.deepcopy(MODELS_OF[kind])))
    torch.save(dict(state_dict=official_state(source, kind), epoch=7), tmp_path / 'in.pth')
    slimclr_official.main([str(tmp_path / 'in.pth'), str(tmp_path / 'out.pth'), '--widths', '1.0', '0.5'])
    target = MODELS.build(copy.deepcopy(MODELS_OF[kind]))
    target.load_state_dict(torch.load(tmp_path / 'out.pth')['state_dict'], strict=True)
    images = torch.randn(2, 3, 32, 32)
    for width, expected in source.eval()(images).items():
        torch.testing.assert_close(target.eval()(images)[width], expected)


def test_official_mocov2_file_has_as_many_entries_as_the_release():
    """The query encoder of the released ResNet-50 with four widths has 1117 entries."""
    widths = (1.0, 0.75, 0.5, 0.25)
    backbone = dict(BACKBONE, widths=widths)
    model = MODELS.build(dict(MODELS_OF['mocov2'], backbone=backbone, neck=dict(NECK, widths=widths)))
    assert sum(name.startswith('module.encoder_q.') for name in official_state(model, 'mocov2')) == 1117


def test_detection_files_number_normalisation_from_the_narrowest(tmp_path):
    source = randomise(MODELS.build(BACKBONE))
    state = {}
    for name, tensor in source.state_dict().items():
        if 'width_order' not in name:
            swapped = re.sub(r'\.bn\.(\d)\.', lambda found: f'.bn.{1 - int(found.group(1))}.', name)
            state[f'backbone.{swapped}'] = tensor
    torch.save(dict(state_dict={**state, 'neck.x': torch.ones(1)}), tmp_path / 'in.pth')
    arguments = [str(tmp_path / 'in.pth'), str(tmp_path / 'out.pth'), '--widths', '0.5', '1.0', '--detection']
    slimclr_official.main(arguments)
    converted = torch.load(tmp_path / 'out.pth')['state_dict']
    target = MODELS.build(BACKBONE)
    target.load_state_dict({name[len('backbone.') :]: tensor for name, tensor in converted.items()})
    assert all(torch.equal(a, b) for a, b in zip(target.state_dict().values(), source.state_dict().values()))


def test_unknown_keys_are_listed_and_nothing_is_written(tmp_path, capsys):
    torch.save(dict(state_dict={'module.encoder_q.features.16.conv1.weight': torch.ones(1)}), tmp_path / 'in.pth')
    with pytest.raises(SystemExit):
        slimclr_official.main([str(tmp_path / 'in.pth'), str(tmp_path / 'out.pth')])
    assert 'features.16.conv1.weight' in capsys.readouterr().err and not (tmp_path / 'out.pth').exists()


def test_more_widths_than_named_are_refused(tmp_path, capsys):
    torch.save({'module.encoder_q.bn1.bn.3.weight': torch.ones(1)}, tmp_path / 'in.pth')
    with pytest.raises(SystemExit):
        slimclr_official.main([str(tmp_path / 'in.pth'), str(tmp_path / 'out.pth'), '--widths', '1.0', '0.5'])
    assert '--widths' in capsys.readouterr().err


@pytest.mark.parametrize('width', WIDTHS)
def test_extracted_width_is_an_ordinary_resnet_with_the_same_outputs(tmp_path, width):
    mmdet = pytest.importorskip('mmdet.models')
    (tmp_path / 'config.py').write_text(f"default_scope = 'vlplugins'\nmodel = {MODELS_OF['probe']!r}\n")
    model = randomise(MODELS.build(copy.deepcopy(MODELS_OF['probe']))).eval()
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'in.pth')
    arguments = [str(tmp_path / name) for name in ('config.py', 'in.pth')]
    extract_width.main([*arguments, str(width), str(tmp_path / 'out.pth')])
    state = torch.load(tmp_path / 'out.pth')['state_dict']
    plain = mmdet.ResNet(50, base_channels=int(8 * width), norm_eval=False)
    missing, unexpected = plain.load_state_dict(state, strict=False)
    assert not missing and unexpected == ['fc.weight', 'fc.bias']
    plain.eval()
    images = torch.randn(2, 3, 32, 32)
    features = plain(images)[-1].mean(dim=(2, 3))
    torch.testing.assert_close(features, model.extract_features(images)[width])
    torch.testing.assert_close(features @ state['fc.weight'].T + state['fc.bias'], model(images)[width])


def test_unknown_width_and_shared_normalisation(tmp_path, capsys):
    with pytest.raises(ValueError, match='0.3'):
        extract_state(MODELS.build(BACKBONE), 0.3)
    shared = MODELS.build(dict(BACKBONE, switchable_bn=False)).eval()
    single = MODELS.build(dict(BACKBONE, base_channels=4, widths=(1.0,))).eval()
    single.load_state_dict(extract_state(shared, 0.5))
    images = torch.randn(1, 3, 32, 32)
    torch.testing.assert_close(single(images)[0], shared(images, 0.5)[0])
