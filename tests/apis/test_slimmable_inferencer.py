import json

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import MODELS, init_default_scope

from tests.helpers.tiny_configs import write_probe_config
from tools import infer
from vlplugins.apis import SlimmableInferencer
from vlplugins.utils.cli import load_config

CLASSES = tuple('abcdefghij')


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """A config, a checkpoint with random weights that knows its classes, its model, and a folder of three images."""
    folder = tmp_path_factory.mktemp('inference')
    config = write_probe_config(folder)
    init_default_scope('vlplugins')
    torch.manual_seed(0)
    model = MODELS.build(load_config(str(config)).model).eval()
    checkpoint = folder / 'model.pth'
    torch.save(dict(state_dict=model.state_dict(), meta=dict(dataset_meta=dict(classes=CLASSES))), checkpoint)
    images = folder / 'images'
    images.mkdir()
    for index in range(3):
        image = np.random.default_rng(index).integers(0, 255, (8, 8), dtype=np.uint8)
        cv2.imwrite(str(images / f'{index}.png'), image)
    (images / 'notes.txt').write_text('no image')
    return config, checkpoint, model, images


def expected_scores(model, image, width):
    """The model by hand on the normalised pixels."""
    pixels = (torch.from_numpy(image).float()[None, None] - 76.5) / 96.9
    with torch.no_grad():
        feature = model.backbone(pixels, width)[-1].mean(dim=(2, 3))
        return feature[0], model.head.fc(feature, width).softmax(dim=1)[0]


@pytest.mark.parametrize('width', [1.0, 0.5])
def test_predictions_are_those_of_the_model_at_the_width(trained, width):
    config, checkpoint, model, images = trained
    inferencer = SlimmableInferencer(str(config), str(checkpoint), width=width, show_progress=False, device='cpu')
    predictions = inferencer(str(images), batch_size=2)['predictions']
    assert [prediction['img_path'][-5:] for prediction in predictions] == ['0.png', '1.png', '2.png']
    for index, prediction in enumerate(predictions):
        image = cv2.imread(str(images / f'{index}.png'), cv2.IMREAD_GRAYSCALE)
        feature, scores = expected_scores(model, image, width)
        assert prediction['label'] == int(scores.argmax())
        assert prediction['score'] == pytest.approx(scores.max().item(), rel=1e-4)
        assert prediction['class_name'] == CLASSES[prediction['label']]
        np.testing.assert_allclose(prediction['feature'], feature, rtol=1e-3, atol=1e-4)


def test_arrays_and_paths_give_the_same_and_all_widths_stand_side_by_side(trained):
    config, checkpoint, _, images = trained
    inferencer = SlimmableInferencer(str(config), str(checkpoint), width='all', show_progress=False)
    path = images / '1.png'
    from_path, from_array = inferencer([str(path), cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)])['predictions']
    assert from_path['widths'] == from_array['widths'] and set(from_path['widths']) == {'w1.00', 'w0.50'}


def test_the_tool_writes_predictions_and_pictures(trained, tmp_path):
    config, checkpoint, _, images = trained
    infer.main([str(config), str(checkpoint), str(images), '--out-dir', str(tmp_path), '--options', 'width=0.5'])
    predictions = json.loads((tmp_path / 'predictions.json').read_text())
    assert len(predictions) == 3 and set(predictions[0]) >= {'img_path', 'label', 'score', 'feature'}
    pictures = sorted((tmp_path / 'pictures').glob('*.png'))
    assert [path.name for path in pictures] == ['000000_0.png', '000001_1.png', '000002_2.png']
    assert cv2.imread(str(pictures[0])).std() > 5


@pytest.mark.parametrize(
    'arguments, message',
    [
        (['no_such_folder'], 'no such input: no_such_folder'),
        (['IMAGES', '--options', 'width=0.3'], 'unknown width 0.3; the model has (1.0, 0.5)'),
        (['EMPTY'], 'holds no file ending in'),
        (['BROKEN'], 'broken.png'),
    ],
)
def test_mistakes_are_told(trained, tmp_path, capsys, arguments, message):
    config, checkpoint, _, images = trained
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'broken.png').write_bytes((images / '0.png').read_bytes()[:30])
    known = dict(IMAGES=images, EMPTY=tmp_path / 'empty', BROKEN=tmp_path / 'broken.png')
    with pytest.raises(SystemExit):
        infer.main([str(config), str(checkpoint), *[str(known.get(each, each)) for each in arguments]])
    assert message in capsys.readouterr().err


def test_a_checkpoint_of_another_model_is_told(trained, tmp_path, capsys):
    config, checkpoint, model, images = trained
    state = {name: value for name, value in model.state_dict().items() if 'head' not in name}
    torch.save(dict(state_dict=state), tmp_path / 'other.pth')
    with pytest.raises(SystemExit):
        infer.main([str(config), str(tmp_path / 'other.pth'), str(images)])
    assert (
        "the checkpoint lacks 5 weights of SlimmableClassifier, among them ['head.fc.width_order'"
        in capsys.readouterr().err
    )


def test_widths_that_never_trained_are_warned_of(trained, tmp_path):
    config, checkpoint, model, _ = trained
    state = model.state_dict()
    for name in state:
        if name.endswith('num_batches_tracked') and '.bn.0.' in name:
            state[name] = torch.tensor(5)
    torch.save(dict(state_dict=state), tmp_path / 'half.pth')
    with pytest.warns(UserWarning, match='the widths w0.50 were never trained'):
        SlimmableInferencer(str(config), str(tmp_path / 'half.pth'), width='all', show_progress=False)
