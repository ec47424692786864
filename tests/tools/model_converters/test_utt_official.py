import pytest
import torch

pytest.importorskip('mmdet')

from mmengine.registry import init_default_scope  # noqa: E402
from torch import nn  # noqa: E402

from tests.helpers.tools import mistake  # noqa: E402
from tests.helpers.trackers import tracker_cfg  # noqa: E402
from tools.model_converters import utt_official as converter  # noqa: E402

DIM = 16
# Names of the original, read in its code, and their shapes in a model of this size.
RELEASED = {
    'backbone.layer2.0.downsample.0.weight': 'detector.backbone.layer2.0.downsample.0.weight',
    'detection_proj.0.0.weight': 'detector.neck.convs.0.conv.weight',
    'detection_proj.3.0.weight': 'detector.neck.extra_convs.0.conv.weight',
    'tracking_proj.3.1.running_var': 'tracking_neck.extra_convs.0.bn.running_var',
    'target_proj.1.bias': 'target_encoder.norm.bias',
    'level_embed': 'detector.level_embed',
    'query_embed.weight': 'detector.query_embedding.weight',
    'reference_points.bias': 'detector.reference_points_fc.bias',
    'encoder.layers.0.self_attn.sampling_offsets.weight': 'detector.encoder.layers.0.self_attn.sampling_offsets.weight',
    'encoder.layers.0.linear2.bias': 'detector.encoder.layers.0.ffn.layers.1.bias',
    'det_decoder.layers.1.self_attn.in_proj_weight': 'detector.decoder.layers.1.self_attn.attn.in_proj_weight',
    'det_decoder.layers.1.cross_attn.value_proj.bias': 'detector.decoder.layers.1.cross_attn.value_proj.bias',
    'det_decoder.layers.0.norm2.weight': 'detector.decoder.layers.0.norms.0.weight',
    'det_decoder.layers.0.norm1.weight': 'detector.decoder.layers.0.norms.1.weight',
    'box_head.1.layers.2.bias': 'detector.bbox_head.reg_branches.1.4.bias',
    'sot_decoder.layers.0.multihead_attn.out_proj.weight': 'target_decoder.layers.0.cross.out_proj.weight',
    'sot_decoder.layers.0.norm3.bias': 'target_decoder.layers.0.norm.bias',
    'sot_decoder.norm.weight': 'target_decoder.norm.weight',
    'sot_proposal.conv2.1.running_mean': 'proposal_decoder.towers.0.1.bn.running_mean',
    'sot_proposal.conv5.bias': 'proposal_decoder.towers.0.4.bias',
    'track_head.interact_layers.1.interact.fc1.weight': 'target_transformer.layers.1.correlation.layers.0.weight',
    'track_head.interact_layers.1.interact.norm2.bias': 'target_transformer.layers.1.correlation.layers.4.bias',
    'track_head.interact_layers.0.linear2.weight': 'target_transformer.layers.0.feedforward.2.weight',
    'track_head.interact_layers.0.norm2.weight': 'target_transformer.layers.0.norm2.weight',
    'track_head.box_module.0.2.1.weight': 'target_transformer.box_heads.0.7.weight',
    'track_head.box_module.1.3.bias': 'target_transformer.box_heads.1.9.bias',
    'track_head.score_module.0.0.0.weight': 'target_transformer.score_heads.0.0.weight',
}


@pytest.fixture
def config(tmp_path):
    options = dict(type='vlplugins.TargetDecoder', dim=DIM, heads=2, feedforward=16, num_layers=2, dropout=0.0)
    cfg = tracker_cfg(
        detector__neck__norm_cfg=dict(type='BN'),
        target_decoder=dict(options, self_attention=True, final_norm=True),
        proposal_decoder=dict(type='vlplugins.CornerProposalDecoder', dim=DIM),
        target_transformer__output_score=True,
    )
    path = tmp_path / 'tracker.py'
    path.write_text(f'default_scope = "vlplugins"\nmodel = {cfg.to_dict()!r}')
    return path


def stirred(model):
    torch.manual_seed(0)
    return {
        name: torch.rand(value.shape) + 0.1 if value.is_floating_point() else value
        for name, value in model.state_dict().items()
    }


def test_names_of_the_release_and_a_round_trip(config, tmp_path, capsys):
    model = converter.build_model(str(config))
    ours = stirred(model)
    torch.save(dict(state_dict=ours), tmp_path / 'ours.pth')
    arguments = ['--config', str(config)]
    converter.main([str(tmp_path / 'ours.pth'), str(tmp_path / 'theirs.pth'), *arguments, '--to-official'])
    theirs = torch.load(tmp_path / 'theirs.pth')['state_dict']
    for name, expected in RELEASED.items():
        assert torch.equal(theirs[name], ours[expected]), name
    assert theirs['class_head.0.weight'].shape == (20, DIM)
    assert torch.equal(theirs['class_head.1.weight'][1], ours['detector.bbox_head.cls_branches.1.weight'][0])
    # What a file of the release has besides: aliases of the box heads, statistics, and 'module.' before all.
    theirs['det_decoder.bbox_embed.0.layers.0.weight'], theirs['pixel_mean'] = torch.zeros(1), torch.zeros(3)
    torch.save(dict(model={f'module.{k}': v for k, v in theirs.items()}), tmp_path / 'release.pth')
    converter.main([str(tmp_path / 'release.pth'), str(tmp_path / 'back.pth'), *arguments])
    back = torch.load(tmp_path / 'back.pth')['state_dict']
    assert back.keys() == ours.keys() and all(torch.equal(back[name], value) for name, value in ours.items())
    model.load_state_dict(back, strict=True)
    assert f'{len(ours)} written' in capsys.readouterr().out


def test_biases_before_normalisation_go_into_its_mean(config):
    model = converter.build_model(str(config))
    theirs = converter.to_theirs(stirred(model), model, 1)
    bias = torch.randn(DIM)
    theirs['tracking_proj.0.0.bias'] = bias
    made, unknown = converter.to_ours(theirs, model, 1)
    assert not unknown
    model.load_state_dict(made)
    image = torch.randn(1, 8, 4, 4)
    conv = nn.functional.conv2d(image, theirs['tracking_proj.0.0.weight'], bias)
    norm = [theirs[f'tracking_proj.0.1.{name}'] for name in ('running_mean', 'running_var', 'weight', 'bias')]
    expected = nn.functional.batch_norm(conv, *norm)
    torch.testing.assert_close(model.eval().tracking_neck.convs[0](image), expected)


def test_what_does_not_fit_is_told(config, tmp_path, capsys):
    init_default_scope('vlplugins')
    model = converter.build_model(str(config))
    theirs = converter.to_theirs(stirred(model), model, 1)
    source, out = tmp_path / 'in.pth', tmp_path / 'out.pth'
    arguments = [source, out, '--config', config]
    torch.save({**theirs, 'mask_head.weight': torch.zeros(1)}, source)
    assert 'nothing written' in mistake(capsys, converter, *arguments) and not out.exists()
    left = {name: value for name, value in theirs.items() if not name.startswith('det_decoder')}
    torch.save(left, source)
    assert '--partial' in mistake(capsys, converter, *arguments)
    converter.main([*map(str, arguments), '--partial'])
    assert 'keys are missing' in capsys.readouterr().out and out.exists()
    torch.save({**theirs, 'level_embed': torch.zeros(3, DIM)}, source)
    message = mistake(capsys, converter, *arguments)
    assert 'level_embed' in message and '(3, 16) in the file, (4, 16) in the config' in message
    other = tmp_path / 'other.py'
    other.write_text("model = dict(type='mmdet.DeformableDETR')")
    assert 'expected a UnifiedTracker' in mistake(capsys, converter, source, out, '--config', other)
    groups = tmp_path / 'groups.py'
    groups.write_text(
        config.read_text().replace("'norm_cfg': {'type': 'BN'}", "'norm_cfg': {'type': 'GN', 'num_groups': 2}")
    )
    with_groups = converter.build_model(str(groups))
    with pytest.raises(Exception, match='batch normalisation'):
        converter.to_ours({'tracking_proj.0.0.bias': torch.zeros(DIM)}, with_groups, 1)
