import json

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from PIL import Image

from tests.helpers.tiny_configs import ROOT
from tools import infer
from vlplugins.apis import VisionLanguageInferencer
from vlplugins.apis.interaction_maps import competing_texts, interaction_maps, window_coalitions
from vlplugins.utils.records import RecordError

CONFIG = ROOT / 'configs/loupe/loupe_demo.py'
PHRASES = ['a red plain block', 'a blue striped block', 'a green plain block']
WORDS = '[PAD] [UNK] [CLS] [SEP] a an image of red blue green plain striped block'


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    """Weights, vocabulary, two images of 80 x 120 pixels, as files and as arrays, and their config."""
    folder = tmp_path_factory.mktemp('loupe')
    (folder / 'vocab.txt').write_text('\n'.join(WORDS.split()) + '\n')
    cfg = config(folder)
    torch.manual_seed(0)
    init_default_scope('vlplugins')
    torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict()), folder / 'weights.pth')
    (folder / 'images').mkdir()
    images = np.random.default_rng(0).integers(0, 255, (2, 80, 120, 3)).astype(np.uint8)
    for index, image in enumerate(images):
        cv2.imwrite(str(folder / 'images' / f'{index}.png'), image)
    return folder, images


def config(folder):
    cfg = Config.fromfile(CONFIG)
    for dataset in cfg.test_dataloader.grounding.dataset.datasets:
        dataset.pipeline[2].tokenizer.vocabulary = str(folder / 'vocab.txt')
    return cfg


def make(folder, cfg=None, **options):
    cfg = config(folder) if cfg is None else cfg
    return VisionLanguageInferencer(cfg, str(folder / 'weights.pth'), device='cpu', show_progress=False, **options)


def test_retrieval_ranks_texts_of_images_and_images_of_texts_alike(files, tmp_path):
    folder, images = files
    inferencer = make(folder, mode='retrieval', topk=2)
    found = inferencer(str(folder / 'images'), texts=PHRASES, batch_size=2, vis_out_dir=str(tmp_path / 'a'))
    by_array = inferencer(list(images), texts=PHRASES)['predictions']
    assert [each['img_path'] for each in found['predictions']] == [str(folder / f'images/{n}.png') for n in (0, 1)]
    assert by_array[0]['img_path'] is None
    scores = []
    for path, entry, other in zip(sorted((folder / 'images').iterdir()), found['predictions'], by_array):
        scores.append({each['text']: each['score'] for each in entry['texts']})
        assert [each['text'] for each in entry['texts']] == [each['text'] for each in other['texts']]
        # One image and one text at a time, with nothing of the inferencer.
        image = torch.from_numpy(cv2.resize(cv2.imread(str(path)), (96, 96))[..., ::-1].copy()).permute(2, 0, 1)
        feature = inferencer.model.encode_images((image[None].float() - 120) / 60)[0][0]
        for result in entry['texts']:
            ids = torch.tensor([2, *[WORDS.split().index(word) for word in result['text'].split()], 3])[None]
            text = inferencer.model.encode_texts(ids, ids > 0)[0, 1:-1].mean(dim=0)
            assert result['score'] == pytest.approx(F.cosine_similarity(feature, text, dim=0).item(), abs=1e-4)
        ranked = [each['score'] for each in entry['texts']]
        assert len(ranked) == 2 and ranked == sorted(ranked, reverse=True)
    inferencer.rank = 'images'
    out = tmp_path / 'found.json'
    turned = inferencer(list(images), texts=PHRASES, vis_out_dir=str(tmp_path / 'b'), pred_out_file=str(out))
    assert json.loads(out.read_text()) == turned['predictions']
    for entry in turned['predictions']:
        assert sorted(each['index'] for each in entry['images']) == [0, 1]
        for each in entry['images']:
            assert each['score'] == pytest.approx(scores[each['index']].get(entry['text'], each['score']), abs=1e-5)
    assert len(list((tmp_path / 'a').iterdir())) == 2 and len(list((tmp_path / 'b').iterdir())) == 3


def test_grounding_gives_boxes_of_each_phrase_in_pixels_of_the_image(files):
    folder, images = files
    inferencer = make(folder, mode='grounding', topk=3)
    assert inferencer(images[0], texts=PHRASES[0])['predictions'][0]['phrases'][0]['phrase'] == PHRASES[0]
    found = inferencer([str(folder / 'images/0.png'), images[1]], texts=PHRASES, batch_size=2)['predictions']
    for number, entry in enumerate(found):
        assert [each['phrase'] for each in entry['phrases']] == PHRASES
        for phrase in entry['phrases']:
            scores = [box['score'] for box in phrase['boxes']]
            assert len(scores) == 3 and scores == sorted(scores, reverse=True)
            # As the model's own prediction, which takes one text an image.
            alone = inferencer.model.predict(*model_inputs(inferencer, images[number], phrase['phrase']))[0]
            expected = alone.pred_instances
            np.testing.assert_allclose(scores, expected.scores[:3], rtol=1e-4)
            np.testing.assert_allclose([box['bbox'] for box in phrase['boxes']], expected.bboxes[:3], atol=1e-3)
            boxes = np.array([box['bbox'] for box in phrase['boxes']])
            assert (boxes >= 0).all() and (boxes[:, 2] <= 120).all() and (boxes[:, 3] <= 80).all()


def model_inputs(inferencer, image, text):
    packed = inferencer.pipeline(image)
    ids = torch.from_numpy(inferencer.tokenizer.encode_batch([text]))[0]
    batch = dict(inputs=dict(image=[packed['inputs']['image']], text_ids=[ids]), data_samples=[packed['data_samples']])
    prepared = inferencer.model.data_preprocessor(batch, False)
    return prepared['inputs'], prepared['data_samples']


def test_detection_names_classes_and_keeps_to_the_threshold(files, tmp_path):
    pytest.importorskip('mmcv.ops')
    folder, images = files
    inferencer = make(folder, mode='detection', templates=['an image of {}', '{}'])
    found = inferencer(images[0], texts=PHRASES, vis_out_dir=str(tmp_path))['predictions'][0]['boxes']
    assert found and all(PHRASES[box['label']] == box['class_name'] for box in found)
    scores = [box['score'] for box in found]
    assert scores == sorted(scores, reverse=True)
    inferencer.score_threshold = scores[1]
    assert len(inferencer(images[0], texts=PHRASES)['predictions'][0]['boxes']) == 2
    assert len(list(tmp_path.iterdir())) == 1


def test_classes_and_templates_are_those_of_the_configs_prompts(files):
    folder, _ = files
    cfg = config(folder)
    prompts = folder / 'prompts.json'
    prompts.write_text(json.dumps(dict(names=['red block', 'blue block'], templates=['an image of {}'])))
    for dataset in cfg.test_dataloader.grounding.dataset.datasets:
        tokenizer = dataset.pipeline[2].tokenizer.to_dict()
        dataset.pipeline = [
            dict(type='LoadImageFromFile'),
            dict(type='Resize', scale=(96, 96), keep_ratio=False),
            dict(type='mmdet.LoadAnnotations', with_bbox=True),
            dict(type='mmdet.PackDetInputs'),
            dict(type='AddClassPrompts', prompts=str(prompts), tokenizer=tokenizer),
        ]
    inferencer = make(folder, cfg, mode='grounding')
    assert inferencer.texts == ['red block', 'blue block'] and inferencer.templates == ['an image of {}']
    words = [WORDS.split()[number] for number in inferencer.tokenize(['Red Block'])[0][0, 0].tolist() if number]
    assert words == ['[CLS]', 'an', 'image', 'of', 'red', 'block', '[SEP]']


def test_windows_are_the_patches_around_each_patch():
    found = window_coalitions(3, 4).view(3, 4, 3, 4)
    assert found[0, 0].nonzero().tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert found[1, 2].sum() == 9 and found[2, 1].sum() == 6


def test_interactions_are_highest_where_patches_match_the_phrase(files, tmp_path):
    folder, images = files
    inferencer = make(folder, mode='grounding', show_interactions=True)
    model = inferencer.model
    texts = torch.eye(3, 64)
    patches = torch.zeros(1, 36, 64)
    patches[0, [14, 15, 20, 21]] = texts[0]
    patches[0, :2] = texts[1]
    before, model.encode_images = model.encode_images, lambda image: (None, patches, torch.zeros(1, 64, 6, 6))
    try:
        competing = competing_texts(texts, ['a', 'b', 'c'], 1)
        values, errors = interaction_maps(model, torch.zeros(1, 3, 96, 96), competing)
    finally:
        model.encode_images = before
    # The 2 x 2 patches lie within a window around each of themselves.
    assert values.shape == errors.shape == (1, 3, 6, 6)
    assert values[0, 0].flatten().argmax().item() in (14, 15, 20, 21) and (errors >= 0).all()
    assert values[0, 0, 2, 2] > values[0, 0, 5, 5] + 1e-4
    found = inferencer(images[0], texts=PHRASES, vis_out_dir=str(tmp_path))
    (entry,) = found['predictions']
    assert np.array(entry['phrases'][0]['interactions']).shape == (6, 6)
    assert np.array(entry['phrases'][2]['uncertainty']).shape == (6, 6)
    height, width = found['visualization'][0].shape[:2]
    assert width > 1.5 * height
    # With two, chance is as high as a probability may become; a copy is no rival.
    for few in (PHRASES[:2], [*PHRASES[:2], PHRASES[0]]):
        with pytest.raises(ValueError, match='at least 3 different texts.*found 2'):
            inferencer(images[0], texts=few)


def test_grey_cmyk_and_transparent_images_are_taken_in_colour(files, tmp_path):
    folder, images = files
    inferencer = make(folder, mode='retrieval')
    grey = images[0][..., 0]
    Image.fromarray(grey).save(tmp_path / 'grey.png')
    colour = Image.new('RGB', (96, 96), (200, 30, 30))
    colour.convert('CMYK').save(tmp_path / 'cmyk.jpg', quality=95)
    colour.convert('RGBA').save(tmp_path / 'rgba.png')
    colour.save(tmp_path / 'rgb.png')

    def shown(item):
        return inferencer.pipeline(item)['inputs']['image'].int()

    equal = torch.from_numpy(cv2.resize(grey, (96, 96))).int().expand(3, -1, -1)
    for item in (str(tmp_path / 'grey.png'), grey, grey[..., None]):
        assert torch.equal(shown(item), equal)
    rgb = shown(str(tmp_path / 'rgb.png'))
    assert rgb[:, 5, 5].tolist() == [30, 30, 200]
    assert torch.equal(shown(str(tmp_path / 'rgba.png')), rgb)
    assert (shown(str(tmp_path / 'cmyk.jpg')) - rgb).abs().max() <= 4
    assert torch.equal(shown(np.dstack([images[0], grey])), shown(images[0]))
    names = sorted(str(path) for path in tmp_path.iterdir())
    found = inferencer([grey, *names], texts=PHRASES, vis_out_dir=str(tmp_path / 'out'))
    assert len(found['predictions']) == 5 and len(list((tmp_path / 'out').iterdir())) == 5


def test_bad_input_is_named(files, tmp_path):
    folder, images = files
    inferencer = make(folder)
    image = images[0]
    with pytest.raises(FileNotFoundError, match='nowhere.png'):
        inferencer('nowhere.png', texts=PHRASES)
    for texts in (None, []):
        with pytest.raises(ValueError, match='no texts'):
            inferencer(image, texts=texts)
    for texts in (['a dog', ' '], '', [3]):
        with pytest.raises(ValueError, match='no texts|not empty'):
            inferencer(image, texts=texts)
    (tmp_path / 'x.png').write_bytes(b'no image')
    with pytest.raises(RecordError, match='x.png'):
        inferencer(str(tmp_path / 'x.png'), texts=PHRASES)
    with pytest.raises(ValueError, match='holds no file'):
        inferencer(str(files[0]), texts=PHRASES)
    for wrong in (np.zeros((8, 8, 2), np.uint8), np.zeros((8, 8, 3), np.float32), np.zeros((0, 8, 3), np.uint8)):
        with pytest.raises(ValueError, match='expected an image'):
            inferencer(wrong, texts=PHRASES)
    with pytest.raises(ValueError, match="mode 'segmentation' is unknown"):
        inferencer.set_mode('segmentation')
    with pytest.raises(ValueError, match='rank'):
        make(folder, rank='videos')
    with pytest.raises(ValueError, match='topk 0'):
        make(folder, topk=0)


def test_a_config_that_crops_gives_no_boxes(files):
    folder, images = files
    cfg = config(folder)
    for dataset in cfg.test_dataloader.grounding.dataset.datasets:
        dataset.pipeline.insert(2, dict(type='CenterCrop', crop_size=64))
    inferencer = make(folder, cfg, mode='retrieval')
    assert inferencer(images[0], texts=PHRASES)['predictions'][0]['texts']
    inferencer.set_mode('grounding')
    with pytest.raises(ValueError, match='crops'):
        inferencer(images[0], texts=PHRASES)


def test_other_models_and_pipelines_are_refused(files):
    folder, _ = files
    cfg = config(folder)
    for dataset in cfg.test_dataloader.grounding.dataset.datasets:
        dataset.pipeline = [dict(type='LoadImage'), dict(type='PackVLInputs')]
    with pytest.raises(ValueError, match='no Tokenize'):
        make(folder, cfg)
    cfg = config(folder)
    cfg.model.update(region_head=None, loss_region=None, loss_alignment=None, token_estimator=None)
    assert VisionLanguageInferencer(cfg, device='cpu', show_progress=False).mode == 'retrieval'
    with pytest.raises(ValueError, match='region_head'):
        VisionLanguageInferencer(cfg, device='cpu', show_progress=False, mode='detection')


def test_command_line_writes_predictions_and_pictures(files, tmp_path):
    folder, _ = files
    (tmp_path / 'config.py').write_text(
        f'_base_ = {str(CONFIG)!r}\ntokenizer = dict(vocabulary={str(folder / "vocab.txt")!r})\n'
        "pipeline = [dict(type='LoadImage'), dict(type='Resize', scale=(96, 96), keep_ratio=False),\n"
        "    dict(type='Tokenize', tokenizer=dict(type='WordPiece', context_length=26, **tokenizer))]\n"
        "dataset = dict(_delete_=True, type='KarpathyRetrievalDataset', pipeline=pipeline)\n"
        'test_dataloader = dict(grounding=dict(dataset=dataset))\n'
    )
    arguments = [tmp_path / 'config.py', folder / 'weights.pth', folder / 'images', '--device', 'cpu']
    arguments += ['--out-dir', tmp_path / 'out', '--interactions', '--topk', 1, '--texts', *PHRASES]
    infer.main([str(each) for each in arguments])
    found = json.loads((tmp_path / 'out/predictions.json').read_text())
    assert len(found) == 2 and [len(each['boxes']) for each in found[0]['phrases']] == [1, 1, 1]
    assert len(list((tmp_path / 'out/pictures').glob('*.png'))) == 2
    with pytest.raises(SystemExit):
        infer.main([str(each) for each in [*arguments[:5], '--mode', 'detection']])
